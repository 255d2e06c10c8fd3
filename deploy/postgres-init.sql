-- The read models have a separate database, so that analysts can have access to it without access to the log.
create database read_models owner verbatim;
