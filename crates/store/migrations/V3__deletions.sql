-- Builds that were deleted with their service and whose logs, which are files, are still there: the
-- row goes after the file, so that a server that dies in between does not forget it.
CREATE TABLE deleted_builds (
    uid TEXT PRIMARY KEY
);
