-- The read models have a database of their own: analysts may be let in without seeing the log.
create database read_models owner verbatim;
