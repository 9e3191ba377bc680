-- Which generation of a service's layer cache its builds use: a reset begins the next one.
ALTER TABLE services ADD COLUMN cache_generation BIGINT NOT NULL DEFAULT 0;
