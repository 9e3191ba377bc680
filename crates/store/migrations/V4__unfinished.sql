-- What of one service is not over, oldest first, without a look at its history.
CREATE INDEX builds_unfinished ON builds (service_uid, number) WHERE concluded_at IS NULL;
