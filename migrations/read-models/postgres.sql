-- PostgreSQL alone: the small schema that says whose database this is, which generation of the read models
-- is in use, and who works on what. The tables of a generation are in schemas of their own.

-- Two processes may start at once: the program takes an advisory lock in the same transaction, before this.

create schema if not exists verbatim;

create table if not exists verbatim.about (
    name  text   not null primary key,
    value bigint not null
);
insert into verbatim.about (name, value) values ('layout', 1) on conflict do nothing;

-- One row: the generation that is read. The views of this schema always show it.
create table if not exists verbatim.read_models (
    one        boolean not null primary key default true check (one),
    generation bigint  not null
);

-- Who does what only one process may do at a time. `backend` is the holder's session: when it is gone, so is
-- the holder.
create table if not exists verbatim.leases (
    name          text        not null primary key,
    holder        text        not null,
    backend       integer     not null,
    backend_start timestamptz not null,
    taken_at      timestamptz not null,
    until_at      timestamptz not null
);
