-- A connection's own requests, and those of them that were refused.
CREATE INDEX exchanges_connection ON exchanges (tenant, connection, id);
CREATE INDEX exchanges_connection_refused ON exchanges (tenant, connection, id) WHERE status >= 400;
CREATE INDEX refused_people_connection ON refused_people (tenant, connection, last);
