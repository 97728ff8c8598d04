-- Who was purged, in order: the provisioning log follows them, and forgets.
CREATE INDEX events_purged ON events (seq) WHERE kind = 'user.purged';
