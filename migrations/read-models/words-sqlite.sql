-- SQLite alone: the words by which messages, conversations and people are found, in its full-text search.

-- Only the index is kept, because the texts are in other tables. The words come made, one after the other with spaces
-- between them, and the tokenizer takes every character that is not ASCII for a part of a word.
create virtual table if not exists message_words
    using fts5 (words, content = '', contentless_delete = 1, tokenize = 'ascii');
create virtual table if not exists conversation_words
    using fts5 (words, content = '', contentless_delete = 1, tokenize = 'ascii');
create virtual table if not exists identifier_words
    using fts5 (words, content = '', contentless_delete = 1, tokenize = 'ascii');
