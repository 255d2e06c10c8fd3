-- PostgreSQL alone: the words by which messages, conversations and people are found. No dictionary and no extension is
-- used: the words come made.

create table if not exists message_words (
    no    bigint   not null primary key,
    words tsvector not null
);
create table if not exists conversation_words (
    no    bigint   not null primary key,
    words tsvector not null
);
create table if not exists identifier_words (
    no    bigint   not null primary key,
    words tsvector not null
);
