-- PostgreSQL alone: the indexes of the words. They are built when a generation has caught up with the log. The list of
-- words that are not in an index yet, which every search reads, is kept short.

create index if not exists message_words_by_word
    on message_words using gin (words) with (gin_pending_list_limit = 512);
create index if not exists conversation_words_by_word
    on conversation_words using gin (words) with (gin_pending_list_limit = 512);
create index if not exists identifier_words_by_word
    on identifier_words using gin (words) with (gin_pending_list_limit = 512);
