-- What a build went through and used, and which one it repeats: read for one build at a time, so that
-- lists stay as narrow as they are.

-- `STATUS:MILLIS;` for each status it had, in order. Builds from before have none of that.
ALTER TABLE builds ADD COLUMN phases TEXT NOT NULL DEFAULT '';
-- By metric the average and the peak, as JSON; NULL where nothing was measured.
ALTER TABLE builds ADD COLUMN usage TEXT;
-- The id, in the same service, of the build that was asked for again.
ALTER TABLE builds ADD COLUMN retry_of TEXT;

-- A filtered page is one range read, too. How builds ended is apart from what is not over, which is few:
-- long indexes do not have to follow the phases.
CREATE INDEX builds_in_phase ON builds (service_uid, status, number) WHERE concluded_at IS NULL;
CREATE INDEX builds_ended ON builds (service_uid, status, number) WHERE concluded_at IS NOT NULL;
CREATE INDEX builds_branch ON builds (service_uid, branch, number);
CREATE INDEX builds_branch_ended ON builds (service_uid, branch, status, number)
    WHERE concluded_at IS NOT NULL;
CREATE INDEX builds_sha ON builds (service_uid, sha, number);
-- Numbers are in the order of time, so a time is a number.
CREATE INDEX builds_created ON builds (service_uid, created_at, number);
