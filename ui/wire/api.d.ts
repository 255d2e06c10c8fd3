// Written by build/api.js from the server's OpenAPI.
export interface paths {
    "/v1/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Your session: who you are, in which accounts, and the `csrf_token` */
        get: operations["getSession"];
        put?: never;
        /**
         * Sign in, with a mail address and a password or with a link
         * @description Answers with the cookie of the session, for pages of this origin. An unknown mail address and a wrong password, get the same answer. After ten attempts for one person from one address, the next is answered with 429, and one more is possible after each half minute.
         */
        post: operations["signIn"];
        /** Sign out */
        delete: operations["signOut"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/session/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Set another password
         * @description All your other sessions end. The present password is needed, unless you signed in by a link.
         */
        put: operations["setPassword"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Your sessions */
        get: operations["listSessions"];
        put?: never;
        post?: never;
        /** End all your sessions but this one */
        delete: operations["endOtherSessions"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** End one of your sessions */
        delete: operations["endSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/invitations/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What the link of an invitation is for */
        post: operations["previewInvitation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/invitations/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Accept an invitation and sign in
         * @description Sets the password of a person who has none. A person who has one, for another account, gives that one. Answers with the cookie of a session, as `POST /v1/session` does.
         */
        post: operations["acceptInvitation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/people": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The people of the account, and those who are invited */
        get: operations["listPeople"];
        put?: never;
        /**
         * Invite a person to the account
         * @description The answer has the link, which is shown only here: give it to the person. It is valid once, until `invitation_expires_at`. A person who is invited already gets another link, and the one before is no longer accepted. Only an owner invites owners.
         */
        post: operations["invitePerson"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/people/{user_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Remove a person, or withdraw an invitation
         * @description Their sessions in the account end at once, and no conversation is assigned to them any more. They keep the conversations that they have until others take these over.
         */
        delete: operations["removePerson"];
        options?: never;
        head?: never;
        /**
         * Give a person another role
         * @description Their sessions in the account end at once. Only an owner makes owners and takes the role from them. An account with an owner keeps one.
         */
        patch: operations["updatePerson"];
        trace?: never;
    };
    "/v1/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The API keys of the account
         * @description Keys that were revoked are not in the list; those that have expired are. The newest key is first.
         */
        get: operations["listApiKeys"];
        put?: never;
        /**
         * Create an API key for a program
         * @description The answer has the key, which is shown only here. The program sends it as `Authorization: Bearer vbt_…`. What it does is done in the key's name, as a service. Only people create and revoke keys, not programs with an API key.
         */
        post: operations["createApiKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/api-keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke an API key
         * @description The key is refused at once, and its connections and event streams end.
         */
        delete: operations["revokeApiKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who changed what in the account, newest first
         * @description An entry for each change of definitions (channels, teams, rules, policies), people, API keys and agents: who, when, with which session, key or token, and each field before and after. Secrets are `***`; a changed one is in the list. For supervisors, administrators and services. With `Accept: text/csv` or `application/x-ndjson` the response has all entries that the filters select, without pages.
         */
        get: operations["listAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/conversations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Conversations, filtered and sorted, in pages, now or at an earlier moment
         * @description A list of the past (`as_of`) has no `Verbatim-Position`. Each conversation is as it was at the moment, but for `contact_id`, which is the contact as it is known now. At most 20,000 conversations may come into question: those that have the status now, and those that have changed since.
         */
        get: operations["listConversations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/conversations/counts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The number of conversations in each tab of the inbox */
        get: operations["countConversations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/bulk": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Change many conversations
         * @description The actions are executed in each of up to 5000 conversations, in your name: in one conversation all of them or none. The answer comes at once, and `GET /v1/bulk/{id}` says how far it is. Nothing is sent to customers. An account can start 20 in 10 minutes.
         */
        post: operations["startBulkChange"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/bulk/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How far a bulk change is, and what was refused */
        get: operations["getBulkChange"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/bulk/{id}/undo": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take back a whole bulk change
         * @description Each conversation that it changed is as before, unless something later depends on the change: this is listed with its reason. Who started it takes it back, or a supervisor, once and when it is done.
         */
        post: operations["undoBulkChange"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/views": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The views that you see, by name */
        get: operations["listViews"];
        put?: never;
        /**
         * Define a view
         * @description Every agent can define personal views. Only supervisors define views for everyone. Conditions can be nested 8 deep, and a filter has at most 200 conditions, groups and values together.
         */
        post: operations["createSavedView"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/views/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Retire a view
         * @description The conversations stay as they are.
         */
        delete: operations["deleteSavedView"];
        options?: never;
        head?: never;
        /**
         * Change a view
         * @description `filter` is replaced as a whole.
         */
        patch: operations["updateSavedView"];
        trace?: never;
    };
    "/v1/views/{id}/conversations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The conversations of a view, in its order, in pages
         * @description Conditions such as `unanswered_for` count back from the moment of the request, and `me` is you. When the order of the view was changed meanwhile, a cursor is refused: begin again without it.
         */
        get: operations["listConversationsOfView"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/views/{id}/count": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The number of conversations of a view */
        get: operations["countConversationsOfView"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/conversations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A conversation with its recent messages, now or at an earlier moment
         * @description A view of the past (`as_of`) is read from the log: it has no `Verbatim-Position`.
         */
        get: operations["getConversation"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Change a conversation */
        patch: operations["updateConversation"];
        trace?: never;
    };
    "/v1/conversations/{id}/messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Messages and notes as they were said, oldest first, in pages in both directions */
        get: operations["listMessages"];
        put?: never;
        /** Send a message to the customer, or add an internal note */
        post: operations["sendMessage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/conversations/{id}/scheduled-messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The messages of a conversation that wait for their time or are held, the next one first */
        get: operations["listScheduledMessages"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/conversations/{id}/scheduled-messages/{message_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Cancel a scheduled message
         * @description Every agent can. Of a cancellation and a sending at the same moment one happens: when the message was sent, the answer is 409 `already-sent`.
         */
        delete: operations["cancelScheduledMessage"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/conversations/{id}/scheduled-messages/{message_id}/send": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a scheduled message now
         * @description Also one that is held, and when others have written meanwhile. Only its sender and supervisors can.
         */
        post: operations["sendScheduledMessage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/scheduled-messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The messages that you have scheduled, those that are held first
         * @description At most 200. A message that was sent or cancelled is not listed any more.
         */
        get: operations["listOwnScheduledMessages"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/conversations/{id}/draft": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Your draft in a conversation
         * @description 404 when you have none. Only you see it; it is in no event, export or webhook.
         */
        get: operations["getDraft"];
        /**
         * Write your draft in a conversation
         * @description The last writer wins. With `If-Match` a draft that was written elsewhere since is kept, and the answer is 412 with its `current_version`. A draft ends when it was not changed for the time that the operator has set (90 days by default).
         */
        put: operations["putDraft"];
        post?: never;
        /** Remove your draft in a conversation */
        delete: operations["deleteDraft"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/drafts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Your drafts, the newest first */
        get: operations["listDrafts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/conversations/{id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The whole history of a conversation: who did what, when and why */
        get: operations["listConversationEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/conversations/{id}/assign": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take a conversation, or assign it to an agent, a team, or both
         * @description Without a body, or with your own id, you take an unassigned conversation. When several agents take it at the same time one of them gets it, and the others get 409 with the `winner`.
         */
        post: operations["assignConversation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/conversations/{id}/unassign": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Unassign a conversation */
        post: operations["unassignConversation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/conversations/{id}/seen": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Mark a conversation as read by you */
        post: operations["markConversationSeen"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * People, conversations and messages by words and filters
         * @description `q` has words and phrases in quotation marks, all of which are found; `-word` leaves out what has a word. Case and accents do not count, and the last word may be only the beginning of one. In scripts without spaces any part of a sentence is found. Names of people are found by the beginnings of their words, also with a wrong letter, and numbers by their first or last digits.
         *
         *     Filters: `from:` (a name of a customer or an agent, or `me`), `is:` (a status, `unread`, `unassigned`, `note`), `has:attachment`, `label:`, `channel:` (a kind or a name), `assignee:` (`me`, `none`, a name), `team:` (`none`, a name), `priority:`, `before:` and `after:` (a day in UTC, or a moment of RFC 3339). A value with spaces is in quotation marks. A conversation has all labels that are named, and one value of every other filter.
         *
         *     Messages and conversations are listed newest first, people by how well they fit. What was searched for is marked in segments of text. Notes are found as well, deleted messages are not. One request reads a bounded part of the index: when the filters leave out nearly everything with the words, a page is short or empty although `next_cursor` says that there is more.
         */
        get: operations["search"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/contacts/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A contact and its identifiers */
        get: operations["getContact"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/teams": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Teams */
        get: operations["listTeams"];
        put?: never;
        /** Define a team */
        post: operations["createTeam"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The agents of the account, by name */
        get: operations["listAgents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agent-preferences": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The preferences of all agents */
        get: operations["listPreferences"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/queue": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The conversations that wait for an agent, with their positions and expected waits, per team
         * @description The conversation with the highest priority is first, and among equal ones the oldest. An expected wait is the position times the average time between two assignments of the queue. It is unknown until two conversations have been assigned. With `Accept: text/event-stream` the response goes on: an event `queue` has the whole list, now and whenever it has changed, at most once a second. The event's id is the position that the tables then held. The stream ends when your token ends, after an event `expiring`.
         */
        get: operations["listQueued"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/macros": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Macros that you may run, by name
         * @description Administrators see whole addresses, others only their hosts (`https://example.com/…`), because a path often is a secret. Send such an address back to keep the one that is stored.
         */
        get: operations["listMacros"];
        put?: never;
        /**
         * Define a macro
         * @description Every agent can define personal macros. Only supervisors define macros for everyone, and macros with webhooks. When a `webhook_secret` was created for the macro it is in this answer, and is never shown again.
         */
        post: operations["createMacro"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/conversations/{id}/macros/{macro_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Run a macro in a conversation
         * @description All actions are executed in their order and in your name, or none is. When an action cannot be executed the problem names it (`field`, `action`).
         */
        post: operations["runMacro"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/canned-responses": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Canned responses, by short code */
        get: operations["listCannedResponses"];
        put?: never;
        /** Define a canned response */
        post: operations["createCannedResponse"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/canned-responses/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A canned response, and its text for a conversation when one is named */
        get: operations["getCannedResponse"];
        put?: never;
        post?: never;
        /**
         * Retire a canned response
         * @description An item that others refer to is not retired: 409 `in-use` names them.
         */
        delete: operations["deleteCannedResponse"];
        options?: never;
        head?: never;
        /** Change a canned response */
        patch: operations["updateCannedResponse"];
        trace?: never;
    };
    "/v1/channels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Channels, without their secrets
         * @description Administrators see the whole `base_url`, others only its host.
         */
        get: operations["listChannels"];
        put?: never;
        /** Define a channel */
        post: operations["createChannel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/channels/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A channel
         * @description Administrators see the whole `base_url`, others only its host.
         */
        get: operations["getChannel"];
        put?: never;
        post?: never;
        /**
         * Retire a channel
         * @description An item that others refer to is not retired: 409 `in-use` names them.
         */
        delete: operations["deleteChannel"];
        options?: never;
        head?: never;
        /** Change a channel */
        patch: operations["updateChannel"];
        trace?: never;
    };
    "/v1/teams/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A team */
        get: operations["getTeam"];
        put?: never;
        post?: never;
        /**
         * Retire a team
         * @description An item that others refer to is not retired: 409 `in-use` names them.
         */
        delete: operations["deleteTeam"];
        options?: never;
        head?: never;
        /** Change a team */
        patch: operations["updateTeam"];
        trace?: never;
    };
    "/v1/macros/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A macro
         * @description Administrators see whole addresses, others only their hosts (`https://example.com/…`), because a path often is a secret. Send such an address back to keep the one that is stored.
         */
        get: operations["getMacro"];
        put?: never;
        post?: never;
        /**
         * Retire a macro
         * @description An item that others refer to is not retired: 409 `in-use` names them.
         */
        delete: operations["deleteMacro"];
        options?: never;
        head?: never;
        /**
         * Change a macro
         * @description `actions` are replaced as a whole.
         */
        patch: operations["updateMacro"];
        trace?: never;
    };
    "/v1/automation-rules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Automation rules, in the order in which they run
         * @description Administrators see whole addresses, others only their hosts (`https://example.com/…`), because a path often is a secret. Send such an address back to keep the one that is stored.
         */
        get: operations["listAutomationRules"];
        put?: never;
        /**
         * Define an automation rule
         * @description The rule runs for events from now on, once for each. When a `webhook_secret` was created for the rule it is in this answer, and is never shown again.
         */
        post: operations["createAutomationRule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/automation-rules/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * An automation rule
         * @description Administrators see whole addresses, others only their hosts (`https://example.com/…`), because a path often is a secret. Send such an address back to keep the one that is stored.
         */
        get: operations["getAutomationRule"];
        put?: never;
        post?: never;
        /**
         * Retire an automation rule
         * @description An item that others refer to is not retired: 409 `in-use` names them.
         */
        delete: operations["deleteAutomationRule"];
        options?: never;
        head?: never;
        /**
         * Change an automation rule
         * @description `conditions` and `actions` are replaced as a whole.
         */
        patch: operations["updateAutomationRule"];
        trace?: never;
    };
    "/v1/bot-rules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Bot rules, in the order in which they are evaluated */
        get: operations["listBotRules"];
        put?: never;
        /** Define a bot rule */
        post: operations["createBotRule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/bot-rules/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A bot rule */
        get: operations["getBotRule"];
        put?: never;
        post?: never;
        /**
         * Retire a bot rule
         * @description An item that others refer to is not retired: 409 `in-use` names them.
         */
        delete: operations["deleteBotRule"];
        options?: never;
        head?: never;
        /**
         * Change a bot rule
         * @description `conditions` and `actions` are replaced as a whole. In a conversation in which the rule has asked questions, the bot asks the remaining ones as they were.
         */
        patch: operations["updateBotRule"];
        trace?: never;
    };
    "/v1/handoff-rules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Handoff rules, in the order in which they are evaluated */
        get: operations["listHandoffRules"];
        put?: never;
        /** Define a handoff rule */
        post: operations["createHandoffRule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/handoff-rules/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A handoff rule */
        get: operations["getHandoffRule"];
        put?: never;
        post?: never;
        /**
         * Retire a handoff rule
         * @description An item that others refer to is not retired: 409 `in-use` names them.
         */
        delete: operations["deleteHandoffRule"];
        options?: never;
        head?: never;
        /** Change a handoff rule */
        patch: operations["updateHandoffRule"];
        trace?: never;
    };
    "/v1/queues": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Queues, as they are defined */
        get: operations["listQueues"];
        put?: never;
        /**
         * Define a queue
         * @description The first queue of an account switches routing on: conversations are assigned to agents by the queue's strategy, and no agent gets more than their capacity.
         */
        post: operations["createQueue"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/queues/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A queue */
        get: operations["getQueue"];
        put?: never;
        post?: never;
        /**
         * Retire a queue
         * @description An item that others refer to is not retired: 409 `in-use` names them.
         */
        delete: operations["deleteQueue"];
        options?: never;
        head?: never;
        /**
         * Change a queue
         * @description `penalties` are replaced as a whole.
         */
        patch: operations["updateQueue"];
        trace?: never;
    };
    "/v1/sla-policies": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** SLA policies */
        get: operations["listSlaPolicies"];
        put?: never;
        /** Define an SLA policy */
        post: operations["createSlaPolicy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sla-policies/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** An SLA policy */
        get: operations["getSlaPolicy"];
        put?: never;
        post?: never;
        /**
         * Retire an SLA policy
         * @description An item that others refer to is not retired: 409 `in-use` names them.
         */
        delete: operations["deleteSlaPolicy"];
        options?: never;
        head?: never;
        /**
         * Change an SLA policy
         * @description A conversation keeps the policy as it was when it was applied. `targets` are replaced as a whole.
         */
        patch: operations["updateSlaPolicy"];
        trace?: never;
    };
    "/v1/calendars": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Calendars */
        get: operations["listCalendars"];
        put?: never;
        /** Define a calendar */
        post: operations["createCalendar"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/calendars/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A calendar */
        get: operations["getCalendar"];
        put?: never;
        post?: never;
        /**
         * Retire a calendar
         * @description An item that others refer to is not retired: 409 `in-use` names them.
         */
        delete: operations["deleteCalendar"];
        options?: never;
        head?: never;
        /** Change a calendar */
        patch: operations["updateCalendar"];
        trace?: never;
    };
    "/v1/bot-rules/dry-run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Test bot rules on past messages
         * @description The rules are evaluated for the customers' messages of the span, by the same code as in live operation. Nothing is stored. The acts of the live bot in the span are left out; the acts of people stay. A span contains at most 250,000 events.
         */
        post: operations["dryRunBotRules"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/automation-rules/dry-run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Test automation rules on past events
         * @description The conditions of the active rules are compared with the events and waits of the span, and with the state that each conversation had then. No action is executed and nothing is stored, so a rule does not see the consequences of another. A span contains at most 250,000 events.
         */
        post: operations["dryRunAutomationRules"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/bot-settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The bot's settings, or the defaults when none are defined */
        get: operations["getBotSettings"];
        put?: never;
        post?: never;
        /** Reset the bot's settings to the defaults */
        delete: operations["resetBotSettings"];
        options?: never;
        head?: never;
        /**
         * Change the bot's settings
         * @description `null` means never for a number of answers or seconds, and the default for other settings.
         */
        patch: operations["updateBotSettings"];
        trace?: never;
    };
    "/v1/agent-preferences/{user_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The preferences of an agent */
        get: operations["getPreferences"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Change an agent's preferences */
        patch: operations["updatePreferences"];
        trace?: never;
    };
    "/v1/agent-preferences/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Your preferences */
        get: operations["getOwnPreferences"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Change your preferences */
        patch: operations["updateOwnPreferences"];
        trace?: never;
    };
    "/v1/webhook-rejections": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Rejected webhooks, newest first */
        get: operations["listWebhookRejections"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-rejections/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A rejected webhook */
        get: operations["getWebhookRejection"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        AcceptedInvitation: {
            /** @description The text after `#join=` of the link. */
            link: string;
            /**
             * @description The name that colleagues see. Absent to keep that of the invitation.
             * @default null
             */
            name?: string | null;
            /** @description At least 12 characters. The present one of a person who has one. */
            password: string;
        };
        /** @description An action in a conversation. */
        Action: {
            /** @constant */
            type: "reply";
            text?: string | null;
            /** Format: uuid */
            canned_response_id?: string | null;
        } | {
            /** @constant */
            type: "assign_team";
            /** Format: uuid */
            team_id: string;
        } | {
            /** @constant */
            type: "assign_agent";
            /** Format: uuid */
            agent_id: string;
        } | {
            /** @constant */
            type: "unassign";
            /** @default true */
            agent?: boolean;
            /** @default false */
            team?: boolean;
        } | {
            /** @constant */
            type: "route";
            strategy: components["schemas"]["BotStrategy"];
            /**
             * Format: uuid
             * @description The team whose agents can get it. Absent for the conversation's own team, or all agents when it
             *      has none.
             */
            team_id?: string | null;
        } | {
            /** @constant */
            type: "add_labels";
            labels: string[];
        } | {
            /** @constant */
            type: "remove_labels";
            labels: string[];
        } | {
            /** @constant */
            type: "set_priority";
            priority: components["schemas"]["Priority"];
        } | {
            /** @constant */
            type: "note";
            text: string;
        } | {
            /** @constant */
            type: "snooze";
            /** Format: date-time */
            until?: string | null;
            /** Format: uint32 */
            for_seconds?: number | null;
        } | {
            /** @constant */
            type: "resolve";
            reason?: string | null;
        } | {
            /** @constant */
            type: "reopen";
            reason?: string | null;
        } | {
            /** @constant */
            type: "webhook";
            url: string;
        };
        /** @description The actor who caused an event. */
        Actor: {
            type: components["schemas"]["ActorType"];
            /** Format: uuid */
            id?: string | null;
            name?: string | null;
        };
        ActorType: "user" | "contact" | "service" | "system";
        /** @description An agent of the account, with the name that colleagues and customers see. */
        Agent: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            user_id: string;
            name: string;
            email?: string | null;
            /** Format: date-time */
            registered_at: string;
        };
        /** @description A page of a list. */
        AgentList: {
            data: components["schemas"]["Agent"][];
            /** @description The `cursor` of the next page. `null` when this page is the last. */
            next_cursor?: string | null;
        };
        /** @description The conversations that an agent can take, and when (requirement 000, section 2). */
        AgentPreferences: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            user_id: string;
            /**
             * @description Empty for every channel.
             * @default []
             */
            available_channels?: components["schemas"]["ChannelType"][];
            /**
             * @description Empty for every topic.
             * @default []
             */
            available_topics?: string[];
            /** @description `None` when the agent is always available. */
            available_hours?: components["schemas"]["AvailableHours"] | null;
            /**
             * @description Days off, in the time zone of `available_hours`, or in UTC when there is none.
             * @default []
             */
            leave?: components["schemas"]["Leave"][];
            /**
             * @description BCP 47 language tags: `en`, `am`. Empty for every language.
             * @default []
             */
            languages?: string[];
            /**
             * Format: uint32
             * @default 5
             */
            max_concurrent_conversations?: number;
            /** @default true */
            is_available?: boolean;
            /** @default false */
            auto_accept?: boolean;
            /**
             * @default {
             *       "sound": true,
             *       "desktop": true,
             *       "email_on_assignment": false
             *     }
             */
            notification_preferences?: components["schemas"]["NotificationPreferences"];
            /** @description `online`, `away`, `offline`, or `unknown` when the presence was never reported. */
            presence: string;
            /**
             * Format: date-time
             * @description The time at which the presence expires unless a heartbeat arrives. `null` when it does not expire.
             */
            presence_until?: string | null;
            /**
             * Format: uint32
             * @description The number of conversations that use the agent's capacity.
             */
            active_conversations: number;
            /**
             * Format: date-time
             * @description The time of the last assignment or release of a conversation. `null` when there was none.
             */
            idle_since?: string | null;
            /**
             * Format: date-time
             * @description `null` when the preferences were never changed.
             */
            created_at?: string | null;
            /** Format: date-time */
            updated_at?: string | null;
            /**
             * Format: uint64
             * @description The number of changes of the preferences in this account; it is also the `ETag`.
             */
            version?: number | null;
        };
        /** @description A page of a list. */
        AgentPreferencesList: {
            data: components["schemas"]["AgentPreferences"][];
            /** @description The `cursor` of the next page. `null` when this page is the last. */
            next_cursor?: string | null;
        };
        /** @description An API key, without its secret. */
        ApiKey: {
            /**
             * Format: uuid
             * @description Also the id of the program as the actor of its events.
             */
            id: string;
            name: string;
            role: components["schemas"]["ApiKeyRole"];
            /** @description The key may do only this. `null` when it may do all that its role may. */
            permissions?: components["schemas"]["Permission"][] | null;
            /** Format: date-time */
            created_at: string;
            /**
             * Format: date-time
             * @description `null` when the key is valid until it is revoked.
             */
            expires_at?: string | null;
            has_expired: boolean;
            /**
             * Format: date-time
             * @description The last use, to an hour. `null` when the key was never used.
             */
            last_used_at?: string | null;
        };
        /** @description The permissions of the program that has an API key. No program is an owner. */
        ApiKeyRole: ("agent" | "supervisor" | "administrator") | "service";
        ApiKeys: {
            data: components["schemas"]["ApiKey"][];
        };
        AssigneeIs: string;
        /** @description A file of a message. Verbatim stores the reference, not the bytes. */
        Attachment: {
            content_type: components["schemas"]["ContentType"];
            /** @description The provider's id of the file, with which it is fetched or sent. */
            provider_media_id?: string | null;
            url?: string | null;
            mime_type?: string | null;
            file_name?: string | null;
            sha256?: string | null;
        };
        /** @description One act. */
        AuditEntry: {
            /**
             * Format: uuid
             * @description The id of the event.
             */
            id: string;
            /** Format: date-time */
            at: string;
            /** @description `user`, `service` or `system`. */
            actor_type: string;
            /** Format: uuid */
            actor_id?: string | null;
            actor_name?: string | null;
            /**
             * @description How the actor proved who they are: `session`, `api_key`, `token` or `gateway`. `null` of the command line, and
             *      of acts that an earlier version recorded.
             */
            credential_type?: string | null;
            /**
             * Format: uuid
             * @description The session or the API key.
             */
            credential_id?: string | null;
            /** @description `account`, `people`, `api_keys`, `agents`, or the catalogue: `teams`, `channels`. */
            kind: string;
            /** @description `created`, `changed` or `removed`. */
            action: string;
            event_type: string;
            /** Format: uuid */
            item_id: string;
            item_name?: string | null;
            /** @description Each field that is different now. Secrets are `***` before and after. */
            changes: components["schemas"]["ChangedField"][];
        };
        /** @description A page of a list. */
        AuditEntryList: {
            data: components["schemas"]["AuditEntry"][];
            /** @description The `cursor` of the next page. `null` when this page is the last. */
            next_cursor?: string | null;
        };
        /**
         * @description The conditions of a rule. An absent condition is not checked. All conditions except the keywords are
         *      compared with the conversation's state when the rule runs.
         */
        AutomationConditions: {
            /** @description Whole words and phrases of the message; case does not matter. */
            keywords?: string[] | null;
            /** @default any */
            match_mode?: components["schemas"]["MatchMode"];
            /** @description The conversation is on one of these channels. */
            channels?: components["schemas"]["ChannelType"][] | null;
            /** @description The event occurred in this part of the day. */
            time_range?: components["schemas"]["TimeRange"] | null;
            /** @description The customer writes in this language: `en`, `am`. */
            language?: string | null;
            /** @description The conversation has all of these labels. */
            labels?: string[] | null;
            /** @description The conversation has none of these labels. */
            without_labels?: string[] | null;
            /** @description The conversation has one of these statuses. */
            statuses?: components["schemas"]["Status"][] | null;
            priorities?: components["schemas"]["Priority"][] | null;
            /** @description The conversation is assigned to one of these teams. */
            team_ids?: string[] | null;
            assignee?: components["schemas"]["Held"] | null;
            /** @description The event is about one of these metrics. */
            sla_metrics?: components["schemas"]["SlaMetric"][] | null;
        };
        /** @description The events and waits in a span of the past that automation rules match. */
        AutomationDryRun: {
            /** Format: date-time */
            from: string;
            /** Format: date-time */
            until: string;
            /**
             * Format: uint
             * @description The number of events of conversations in the span.
             */
            events: number;
            /** Format: uint */
            conversations: number;
            /** @description The active rules, in the order in which they run. */
            rules: components["schemas"]["MatchedRule"][];
        };
        /** @description The event that triggers a rule. */
        AutomationEvent: ("conversation_created" | "conversation_resolved" | "sla_warning" | "sla_breached") | "conversation_updated" | "message_received" | "message_sent" | "waiting_longer_than";
        /** @description The state after the command, and the command's position in the log. */
        AutomationRuleAnswer: {
            description?: string | null;
            /** Format: uuid */
            id: string;
            /** @description Unique in the account. */
            name: string;
            /**
             * Format: int32
             * @description The rule with the lowest number runs first.
             */
            priority: number;
            /** @default true */
            is_active?: boolean;
            event: components["schemas"]["AutomationEvent"];
            /**
             * Format: uint32
             * @description How long the customer has waited, for `waiting_longer_than`.
             */
            waiting_seconds?: number | null;
            /**
             * @default {
             *       "match_mode": "any"
             *     }
             */
            conditions?: components["schemas"]["AutomationConditions"];
            /** @description Executed in their order. An action that cannot be executed is skipped. */
            actions: components["schemas"]["Action"][];
            /**
             * @description The key with which its webhooks are signed: `whsec_` and Base64. Created when the rule has
             *      webhooks and no key.
             */
            webhook_secret?: string | null;
            /**
             * Format: uint64
             * @description The version of its stream. It is also the `ETag`.
             */
            version: number;
            /**
             * @description Send it as `Verbatim-After` with a query whose answer must include this command.
             * @example 1729
             */
            position: string;
        };
        /** @description A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member. */
        AutomationRulePatch: {
            description?: string | null;
            /** @description Unique in the account. */
            name?: string;
            /**
             * Format: int32
             * @description The rule with the lowest number runs first.
             */
            priority?: number | null;
            is_active?: boolean | null;
            event?: components["schemas"]["AutomationEvent"];
            /**
             * Format: uint32
             * @description How long the customer has waited, for `waiting_longer_than`.
             */
            waiting_seconds?: number | null;
            conditions?: components["schemas"]["AutomationConditions"] | null;
            /** @description Executed in their order. An action that cannot be executed is skipped. */
            actions?: components["schemas"]["Action"][];
            /**
             * @description The key with which its webhooks are signed: `whsec_` and Base64. Created when the rule has
             *      webhooks and no key.
             */
            webhook_secret?: string | null;
        };
        /** @description The item in a request. */
        AutomationRuleSpec: {
            description?: string | null;
            /** @description Unique in the account. */
            name: string;
            /**
             * Format: int32
             * @description The rule with the lowest number runs first.
             * @default 0
             */
            priority?: number;
            /** @default true */
            is_active?: boolean;
            event: components["schemas"]["AutomationEvent"];
            /**
             * Format: uint32
             * @description How long the customer has waited, for `waiting_longer_than`.
             */
            waiting_seconds?: number | null;
            /**
             * @default {
             *       "match_mode": "any"
             *     }
             */
            conditions?: components["schemas"]["AutomationConditions"];
            /** @description Executed in their order. An action that cannot be executed is skipped. */
            actions: components["schemas"]["Action"][];
            /**
             * @description The key with which its webhooks are signed: `whsec_` and Base64. Created when the rule has
             *      webhooks and no key.
             */
            webhook_secret?: string | null;
        };
        /** @description Working hours in the agent's own zone (requirement 000, section 2). */
        AvailableHours: {
            schedule: components["schemas"]["WeeklyHours"][];
            /** @description An IANA time zone. */
            timezone: string;
        };
        /** @description The actions of a rule that matches. */
        BotActions: {
            /**
             * Format: uuid
             * @description The canned response to send.
             */
            reply_template_id?: string | null;
            /**
             * @description The text to send instead. It may contain variables: `{{contact_name}}`, and the information that the
             *      bot has asked for.
             */
            reply_text?: string | null;
            /** Format: uuid */
            assign_team_id?: string | null;
            assign_strategy?: components["schemas"]["BotStrategy"] | null;
            /** @description Added to the labels of the conversation. */
            set_labels?: string[] | null;
            set_priority?: components["schemas"]["Priority"] | null;
            /**
             * @description The questions that the bot asks one after the other. Then it hands the conversation over with the
             *      answers.
             */
            collect_info?: components["schemas"]["InfoField"][] | null;
        };
        /** @description The numbers of a bot's acts. */
        BotChanges: {
            /**
             * Format: uint
             * @description Messages, including questions.
             */
            replies: number;
            /** Format: uint */
            questions: number;
            /** Format: uint */
            handoffs: number;
            handoffs_by_trigger: {
                [key: string]: number;
            };
            teams: {
                [key: string]: number;
            };
            labels: {
                [key: string]: number;
            };
            priorities: {
                [key: string]: number;
            };
        };
        /** @description The value with the tested rules, and the real one. */
        BotChangesWouldAndDid: {
            would: components["schemas"]["BotChanges"];
            did: components["schemas"]["BotChanges"];
        };
        /** @description The conditions of a rule. An absent condition is not checked. */
        BotConditions: {
            /** @description Whole words and phrases; case does not matter. */
            keywords?: string[] | null;
            /** @default any */
            match_mode?: components["schemas"]["MatchMode"];
            /** @description The conversation is on one of these channels. */
            channels?: components["schemas"]["ChannelType"][] | null;
            time_range?: components["schemas"]["TimeRange"] | null;
            /** @description The customer writes in this language: `en`, `am`. */
            language?: string | null;
            /** @description The conversation has all of these labels. */
            labels?: string[] | null;
            /** @description The message's metadata names this intent. */
            intent?: string | null;
            /**
             * Format: double
             * @description The message's metadata gives at least this confidence.
             */
            confidence_min?: number | null;
        };
        /** @description The state after the command, and the command's position in the log. */
        BotRuleAnswer: {
            /** Format: uuid */
            id: string;
            /** @description Unique in the account. */
            name: string;
            /**
             * Format: int32
             * @description The rule with the lowest number is evaluated first.
             */
            priority: number;
            /** @default true */
            is_active?: boolean;
            trigger_type: components["schemas"]["BotTrigger"];
            /**
             * @default {
             *       "match_mode": "any"
             *     }
             */
            conditions?: components["schemas"]["BotConditions"];
            /** @default {} */
            actions?: components["schemas"]["BotActions"];
            /**
             * @description Whether the rule runs at most once in a conversation.
             * @default true
             */
            run_once?: boolean;
            /**
             * Format: uint64
             * @description The version of its stream. It is also the `ETag`.
             */
            version: number;
            /**
             * @description Send it as `Verbatim-After` with a query whose answer must include this command.
             * @example 1729
             */
            position: string;
        };
        /** @description A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member. */
        BotRulePatch: {
            /** @description Unique in the account. */
            name?: string;
            /**
             * Format: int32
             * @description The rule with the lowest number is evaluated first.
             */
            priority?: number | null;
            is_active?: boolean | null;
            trigger_type?: components["schemas"]["BotTrigger"];
            conditions?: components["schemas"]["BotConditions"] | null;
            actions?: components["schemas"]["BotActions"] | null;
            /** @description Whether the rule runs at most once in a conversation. */
            run_once?: boolean | null;
        };
        /** @description The item in a request. */
        BotRuleSpec: {
            /** @description Unique in the account. */
            name: string;
            /**
             * Format: int32
             * @description The rule with the lowest number is evaluated first.
             * @default 0
             */
            priority?: number;
            /** @default true */
            is_active?: boolean;
            trigger_type: components["schemas"]["BotTrigger"];
            /**
             * @default {
             *       "match_mode": "any"
             *     }
             */
            conditions?: components["schemas"]["BotConditions"];
            /** @default {} */
            actions?: components["schemas"]["BotActions"];
            /**
             * @description Whether the rule runs at most once in a conversation.
             * @default true
             */
            run_once?: boolean;
        };
        /**
         * @description The settings of an account's bot and of its conversations' inactivity. The defaults apply to an
         *      account that has defined none.
         */
        BotSettings: {
            /** Format: uuid */
            account_id: string;
            /**
             * @description Words by which a customer asks for a human agent (requirement 001); an empty list for none.
             * @default [
             *       "speak to human",
             *       "speak to a human",
             *       "speak to an agent",
             *       "speak to agent",
             *       "talk to agent",
             *       "talk to an agent",
             *       "talk to human",
             *       "talk to a human",
             *       "real person",
             *       "representative",
             *       "escalate",
             *       "supervisor",
             *       "manager",
             *       "complaint",
             *       "human",
             *       "person"
             *     ]
             */
            handoff_keywords?: string[];
            /**
             * Format: uint32
             * @description After so many answers of low confidence the bot hands over. `null` for never.
             * @default 3
             */
            low_confidence_answers?: number | null;
            /**
             * Format: double
             * @description An answer is of low confidence when its metadata gives a confidence below this number.
             * @default 0.5
             */
            confidence_threshold?: number;
            /**
             * Format: uint32
             * @description A conversation without messages expires after so many seconds, unless the customer waits for an answer.
             *      Business time, when the conversation's SLA policy has a calendar. `null` for never.
             * @default 86400
             */
            expire_after_seconds?: number | null;
            /**
             * Format: uint32
             * @description A resolved conversation closes after so many seconds. `null` for never.
             */
            close_resolved_after_seconds?: number | null;
            /**
             * Format: uint32
             * @description The most automatic messages of a conversation within `automatic_messages_seconds`: of the bot, of
             *      automation rules, of queues and of other programs. With the last of them the conversation is handed
             *      over to human agents, and further ones are not sent.
             * @default 30
             */
            automatic_messages_limit?: number;
            /**
             * Format: uint32
             * @description The seconds within which automatic messages are counted.
             * @default 3600
             */
            automatic_messages_seconds?: number;
        };
        /** @description The state after the command, and the command's position in the log. */
        BotSettingsAnswer: {
            /** Format: uuid */
            account_id: string;
            /**
             * @description Words by which a customer asks for a human agent (requirement 001); an empty list for none.
             * @default [
             *       "speak to human",
             *       "speak to a human",
             *       "speak to an agent",
             *       "speak to agent",
             *       "talk to agent",
             *       "talk to an agent",
             *       "talk to human",
             *       "talk to a human",
             *       "real person",
             *       "representative",
             *       "escalate",
             *       "supervisor",
             *       "manager",
             *       "complaint",
             *       "human",
             *       "person"
             *     ]
             */
            handoff_keywords?: string[];
            /**
             * Format: uint32
             * @description After so many answers of low confidence the bot hands over. `null` for never.
             * @default 3
             */
            low_confidence_answers?: number | null;
            /**
             * Format: double
             * @description An answer is of low confidence when its metadata gives a confidence below this number.
             * @default 0.5
             */
            confidence_threshold?: number;
            /**
             * Format: uint32
             * @description A conversation without messages expires after so many seconds, unless the customer waits for an answer.
             *      Business time, when the conversation's SLA policy has a calendar. `null` for never.
             * @default 86400
             */
            expire_after_seconds?: number | null;
            /**
             * Format: uint32
             * @description A resolved conversation closes after so many seconds. `null` for never.
             */
            close_resolved_after_seconds?: number | null;
            /**
             * Format: uint32
             * @description The most automatic messages of a conversation within `automatic_messages_seconds`: of the bot, of
             *      automation rules, of queues and of other programs. With the last of them the conversation is handed
             *      over to human agents, and further ones are not sent.
             * @default 30
             */
            automatic_messages_limit?: number;
            /**
             * Format: uint32
             * @description The seconds within which automatic messages are counted.
             * @default 3600
             */
            automatic_messages_seconds?: number;
            /**
             * Format: uint64
             * @description The version of its stream. It is also the `ETag`.
             */
            version: number;
            /**
             * @description Send it as `Verbatim-After` with a query whose answer must include this command.
             * @example 1729
             */
            position: string;
        };
        /** @description A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member. */
        BotSettingsPatch: {
            /** @description Words by which a customer asks for a human agent (requirement 001); an empty list for none. */
            handoff_keywords?: string[] | null;
            /**
             * Format: uint32
             * @description After so many answers of low confidence the bot hands over. `null` for never.
             */
            low_confidence_answers?: number | null;
            /**
             * Format: double
             * @description An answer is of low confidence when its metadata gives a confidence below this number.
             */
            confidence_threshold?: number | null;
            /**
             * Format: uint32
             * @description A conversation without messages expires after so many seconds, unless the customer waits for an answer.
             *      Business time, when the conversation's SLA policy has a calendar. `null` for never.
             */
            expire_after_seconds?: number | null;
            /**
             * Format: uint32
             * @description A resolved conversation closes after so many seconds. `null` for never.
             */
            close_resolved_after_seconds?: number | null;
            /**
             * Format: uint32
             * @description The most automatic messages of a conversation within `automatic_messages_seconds`: of the bot, of
             *      automation rules, of queues and of other programs. With the last of them the conversation is handed
             *      over to human agents, and further ones are not sent.
             */
            automatic_messages_limit?: number | null;
            /**
             * Format: uint32
             * @description The seconds within which automatic messages are counted.
             */
            automatic_messages_seconds?: number | null;
        };
        /** @description How an agent is chosen. */
        BotStrategy: ("round_robin" | "least_busy") | "manual_queue";
        /** @description The trigger of a rule. */
        BotTrigger: ("keyword" | "time_based" | "channel") | "new_conversation" | "fallback";
        /** @description A bulk change. */
        BulkChange: {
            /** Format: uuid */
            id: string;
            status: components["schemas"]["BulkStatus"];
            started_by: components["schemas"]["Actor"];
            /** Format: date-time */
            started_at: string;
            actions: components["schemas"]["Action"][];
            /**
             * Format: uint
             * @description The number of its conversations.
             */
            total: number;
            /**
             * Format: uint
             * @description How many conversations are done.
             */
            done: number;
            /**
             * Format: uint
             * @description How many of them were changed, or taken back. The others were as wanted before, or are refused.
             */
            changed: number;
            /** @description The conversations that were not changed, each with the reason. */
            refused: components["schemas"]["BulkRefusal"][];
            /** @description How far the undo is. `null` when there is none. */
            undo?: components["schemas"]["BulkProgress"] | null;
        };
        /** @description The state after the command, and the command's position in the log. */
        BulkChangeAnswer: {
            /** Format: uuid */
            id: string;
            status: components["schemas"]["BulkStatus"];
            started_by: components["schemas"]["Actor"];
            /** Format: date-time */
            started_at: string;
            actions: components["schemas"]["Action"][];
            /**
             * Format: uint
             * @description The number of its conversations.
             */
            total: number;
            /**
             * Format: uint
             * @description How many conversations are done.
             */
            done: number;
            /**
             * Format: uint
             * @description How many of them were changed, or taken back. The others were as wanted before, or are refused.
             */
            changed: number;
            /** @description The conversations that were not changed, each with the reason. */
            refused: components["schemas"]["BulkRefusal"][];
            /** @description How far the undo is. `null` when there is none. */
            undo?: components["schemas"]["BulkProgress"] | null;
            /**
             * Format: uint64
             * @description The version of its stream. It is also the `ETag`.
             */
            version: number;
            /**
             * @description Send it as `Verbatim-After` with a query whose answer must include this command.
             * @example 1729
             */
            position: string;
        };
        BulkProgress: {
            /**
             * Format: uint
             * @description How many conversations are done.
             */
            done: number;
            /**
             * Format: uint
             * @description How many of them were changed, or taken back. The others were as wanted before, or are refused.
             */
            changed: number;
            /** @description The conversations that were not changed, each with the reason. */
            refused: components["schemas"]["BulkRefusal"][];
        };
        /** @description A conversation that was not changed. */
        BulkRefusal: {
            /** Format: uuid */
            conversation_id: string;
            /** @description A sentence without the full stop. */
            reason: string;
        };
        /** @description How far a bulk change is. */
        BulkStatus: ("running" | "done" | "undone") | "undoing";
        /** @description The state after the command, and the command's position in the log. */
        BusinessCalendarAnswer: {
            /** Format: uuid */
            id: string;
            /** @description Unique in the account. */
            name: string;
            /** @description An IANA time zone: `Africa/Addis_Ababa`. */
            timezone: string;
            /** @description The intervals. A day can have several; time in which they overlap counts once. */
            schedule: components["schemas"]["WeeklyHours"][];
            holidays?: components["schemas"]["Holiday"][];
            /**
             * Format: uint64
             * @description The version of its stream. It is also the `ETag`.
             */
            version: number;
            /**
             * @description Send it as `Verbatim-After` with a query whose answer must include this command.
             * @example 1729
             */
            position: string;
        };
        /** @description A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member. */
        CalendarPatch: {
            /** @description Unique in the account. */
            name?: string;
            /** @description An IANA time zone: `Africa/Addis_Ababa`. */
            timezone?: string;
            /** @description The intervals. A day can have several; time in which they overlap counts once. */
            schedule?: components["schemas"]["WeeklyHours"][];
            holidays?: components["schemas"]["Holiday"][] | null;
        };
        /** @description The item in a request. */
        CalendarSpec: {
            /** @description Unique in the account. */
            name: string;
            /** @description An IANA time zone: `Africa/Addis_Ababa`. */
            timezone: string;
            /** @description The intervals. A day can have several; time in which they overlap counts once. */
            schedule: components["schemas"]["WeeklyHours"][];
            holidays?: components["schemas"]["Holiday"][];
        };
        /** @description The state after the command, and the command's position in the log. */
        CannedResponseAnswer: {
            title: string;
            /** Format: uuid */
            id: string;
            /** @description `/greeting`: unique in the account. */
            short_code: string;
            /** @description It may contain variables: `{{contact_name}}`. */
            content: string;
            category?: string | null;
            /** Format: uuid */
            created_by?: string | null;
            /**
             * Format: uint64
             * @description The version of its stream. It is also the `ETag`.
             */
            version: number;
            /**
             * @description Send it as `Verbatim-After` with a query whose answer must include this command.
             * @example 1729
             */
            position: string;
        };
        /** @description A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member. */
        CannedResponsePatch: {
            title?: string;
            /** @description `/greeting`: unique in the account. */
            short_code?: string;
            /** @description It may contain variables: `{{contact_name}}`. */
            content?: string;
            category?: string | null;
        };
        /** @description The item in a request. */
        CannedResponseSpec: {
            title: string;
            /** @description `/greeting`: unique in the account. */
            short_code: string;
            /** @description It may contain variables: `{{contact_name}}`. */
            content: string;
            category?: string | null;
        };
        /** @description A field that an act changed. */
        ChangedField: {
            /** @description Its path in the item: `name`, `credentials.access_token`. */
            field: string;
            /** @description `null` when it was not set. */
            before: unknown;
            /** @description `null` when it is not set any more. */
            after: unknown;
        };
        /** @description A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member. */
        ChannelPatch: {
            name?: string;
            /**
             * @description The credentials that the provider asks for, by the provider's names; for WhatsApp
             *      `phone_number_id`, `access_token`, `app_secret`, `verify_token`. No answer shows them.
             */
            credentials?: {
                [key: string]: string | null;
            } | null;
            /** @description The base URL of the provider's API. `null` for the URL in the configuration. */
            base_url?: string | null;
            is_enabled?: boolean | null;
        };
        /** @description The item in a request. */
        ChannelSpec: {
            /** @description Never changes. */
            channel_type: components["schemas"]["ChannelType"];
            name: string;
            /**
             * @description The credentials that the provider asks for, by the provider's names; for WhatsApp
             *      `phone_number_id`, `access_token`, `app_secret`, `verify_token`. No answer shows them.
             * @default {}
             */
            credentials?: {
                [key: string]: string;
            };
            /** @description The base URL of the provider's API. `null` for the URL in the configuration. */
            base_url?: string | null;
            /** @default true */
            is_enabled?: boolean;
        };
        /**
         * @description The kinds of channel (requirement 000, section 1.5), and `api`, to which any program can post JSON.
         * @enum {string}
         */
        ChannelType: "whatsapp" | "telegram" | "messenger" | "sms" | "email" | "webchat" | "api";
        /** @description A contact with its identifiers. */
        ContactDetail: {
            /** Format: uuid */
            id: string;
            display_name?: string | null;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            updated_at: string;
            identifiers: components["schemas"]["ContactIdentifier"][];
        };
        /** @description An identifier of a contact on one kind of channel (requirement 000, section 1.5). */
        ContactIdentifier: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            account_id: string;
            /** Format: uuid */
            contact_id: string;
            channel_type: components["schemas"]["ChannelType"];
            identifier: string;
            display_name?: string | null;
            metadata: {
                [key: string]: unknown;
            };
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            updated_at: string;
            /** Format: uint64 */
            version: number;
        };
        /** @description The main part of a message. */
        ContentType: ("text" | "image" | "audio" | "video" | "document" | "sticker" | "location" | "contacts" | "button" | "template") | "interactive" | "order" | "reaction" | "unsupported";
        /** @description A conversation as the inbox shows it (requirement 000, section 1.1, and further fields that an inbox needs). */
        Conversation: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            account_id: string;
            /** Format: uuid */
            channel_id: string;
            channel_type: components["schemas"]["ChannelType"];
            /** Format: uuid */
            contact_id: string;
            contact_identifier: string;
            /**
             * Format: uint32
             * @description The number of the conversation among those of this contact on this channel, from 0.
             */
            ordinal: number;
            /** Format: uuid */
            assignee_id?: string | null;
            assignee_name?: string | null;
            /** Format: uuid */
            team_id?: string | null;
            status: components["schemas"]["Status"];
            priority: components["schemas"]["Priority"];
            subject?: string | null;
            language?: string | null;
            labels: string[];
            /** @description The fields that the bot collected before it handed over. */
            bot_context?: {
                [key: string]: unknown;
            } | null;
            /** @description Whether a human agent was requested since the conversation was last with the bot. */
            handoff_requested: boolean;
            /**
             * Format: uuid
             * @description The agent who was requested by name.
             */
            handoff_agent_id?: string | null;
            handoff_reason?: string | null;
            metadata: {
                [key: string]: unknown;
            };
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            resolved_at?: string | null;
            /** Format: date-time */
            closed_at?: string | null;
            /**
             * Format: date-time
             * @description When it was closed because it was inactive. `null` when it is open, or was closed for another reason.
             */
            expired_at?: string | null;
            /** Format: date-time */
            snoozed_until?: string | null;
            /** Format: uint32 */
            reopened_count: number;
            /** Format: uuid */
            sla_policy_id?: string | null;
            display_name?: string | null;
            /** Format: date-time */
            updated_at: string;
            /**
             * Format: date-time
             * @description The time of the first answer by an agent that did not fail.
             */
            first_reply_at?: string | null;
            /**
             * Format: date-time
             * @description When the newest message was recorded. The preview is of the message that was said last: one that came late
             *      leaves it as it is.
             */
            last_message_at: string;
            last_message_preview?: string | null;
            last_message_sender_type?: components["schemas"]["SenderType"] | null;
            /**
             * Format: date-time
             * @description The time since which the customer waits for an agent's answer. An answer that failed ends no wait.
             */
            unanswered_since?: string | null;
            /** Format: uint32 */
            message_count: number;
            /** Format: uint32 */
            received_count: number;
            /** Format: uint32 */
            sent_count: number;
            /** Format: uint32 */
            note_count: number;
            /** @description The SLA metric whose deadline is next. */
            sla_metric?: components["schemas"]["SlaMetric"] | null;
            /**
             * Format: date-time
             * @description The deadline that is next.
             */
            sla_due_at?: string | null;
            /**
             * @description The state of the SLA clock that is most urgent, in this order: `breached`, `running`, `paused`, `met`,
             *      `cancelled`.
             */
            sla_state?: string | null;
            /** Format: uint32 */
            sla_breached_count: number;
            /**
             * Format: uint64
             * @description The version of the conversation's stream. It is also the `ETag` of the response with one conversation.
             */
            version: number;
            /**
             * @description The position of its last event in the log.
             * @example 1729
             */
            position: string;
            /**
             * Format: date-time
             * @description The name of `unanswered_since` in earlier versions.
             */
            waiting_since?: string | null;
            /**
             * Format: uint32
             * @description The number of the customer's messages that the caller has not seen.
             */
            unread_count: number;
        };
        /** @description The number of conversations, by tab and status. */
        ConversationCounts: {
            /**
             * Format: int64
             * @description All conversations that are not closed.
             */
            all: number;
            /**
             * Format: int64
             * @description The caller's conversations that are not closed.
             */
            mine: number;
            /**
             * Format: int64
             * @description Unassigned conversations that are neither resolved nor closed.
             */
            unassigned: number;
            by_status: {
                [key: string]: number;
            };
            mine_by_status: {
                [key: string]: number;
            };
            unassigned_by_status: {
                [key: string]: number;
            };
            /** @description The counts of each team, by its id. */
            teams: {
                [key: string]: {
                    [key: string]: number;
                };
            };
            /** @description The counts of each assignee, by the agent's id. */
            assignees: {
                [key: string]: {
                    [key: string]: number;
                };
            };
        };
        /** @description A conversation with its SLA timers and its most recent messages. */
        ConversationDetail: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            account_id: string;
            /** Format: uuid */
            channel_id: string;
            channel_type: components["schemas"]["ChannelType"];
            /** Format: uuid */
            contact_id: string;
            contact_identifier: string;
            /**
             * Format: uint32
             * @description The number of the conversation among those of this contact on this channel, from 0.
             */
            ordinal: number;
            /** Format: uuid */
            assignee_id?: string | null;
            assignee_name?: string | null;
            /** Format: uuid */
            team_id?: string | null;
            status: components["schemas"]["Status"];
            priority: components["schemas"]["Priority"];
            subject?: string | null;
            language?: string | null;
            labels: string[];
            /** @description The fields that the bot collected before it handed over. */
            bot_context?: {
                [key: string]: unknown;
            } | null;
            /** @description Whether a human agent was requested since the conversation was last with the bot. */
            handoff_requested: boolean;
            /**
             * Format: uuid
             * @description The agent who was requested by name.
             */
            handoff_agent_id?: string | null;
            handoff_reason?: string | null;
            metadata: {
                [key: string]: unknown;
            };
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            resolved_at?: string | null;
            /** Format: date-time */
            closed_at?: string | null;
            /**
             * Format: date-time
             * @description When it was closed because it was inactive. `null` when it is open, or was closed for another reason.
             */
            expired_at?: string | null;
            /** Format: date-time */
            snoozed_until?: string | null;
            /** Format: uint32 */
            reopened_count: number;
            /** Format: uuid */
            sla_policy_id?: string | null;
            display_name?: string | null;
            /** Format: date-time */
            updated_at: string;
            /**
             * Format: date-time
             * @description The time of the first answer by an agent that did not fail.
             */
            first_reply_at?: string | null;
            /**
             * Format: date-time
             * @description When the newest message was recorded. The preview is of the message that was said last: one that came late
             *      leaves it as it is.
             */
            last_message_at: string;
            last_message_preview?: string | null;
            last_message_sender_type?: components["schemas"]["SenderType"] | null;
            /**
             * Format: date-time
             * @description The time since which the customer waits for an agent's answer. An answer that failed ends no wait.
             */
            unanswered_since?: string | null;
            /** Format: uint32 */
            message_count: number;
            /** Format: uint32 */
            received_count: number;
            /** Format: uint32 */
            sent_count: number;
            /** Format: uint32 */
            note_count: number;
            /** @description The SLA metric whose deadline is next. */
            sla_metric?: components["schemas"]["SlaMetric"] | null;
            /**
             * Format: date-time
             * @description The deadline that is next.
             */
            sla_due_at?: string | null;
            /**
             * @description The state of the SLA clock that is most urgent, in this order: `breached`, `running`, `paused`, `met`,
             *      `cancelled`.
             */
            sla_state?: string | null;
            /** Format: uint32 */
            sla_breached_count: number;
            /**
             * Format: uint64
             * @description The version of the conversation's stream. It is also the `ETag` of the response with one conversation.
             */
            version: number;
            /**
             * @description The position of its last event in the log.
             * @example 1729
             */
            position: string;
            /**
             * Format: date-time
             * @description The name of `unanswered_since` in earlier versions.
             */
            waiting_since?: string | null;
            /**
             * Format: uint32
             * @description The number of the customer's messages that the caller has not seen.
             */
            unread_count: number;
            /** @description As they were said, oldest first. */
            messages: components["schemas"]["Message"][];
            /** @description The value of `before` with which the list of messages continues. `null` when there are no earlier messages. */
            earlier_messages?: string | null;
            sla_timers: components["schemas"]["SlaTimer"][];
        };
        /** @description A page of a list. */
        ConversationList: {
            data: components["schemas"]["Conversation"][];
            /** @description The `cursor` of the next page. `null` when this page is the last. */
            next_cursor?: string | null;
        };
        /** @description The conversation of a message that was found. */
        ConversationOfFoundMessage: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            contact_id: string;
            contact_identifier: string;
            display_name?: string | null;
            channel_type: components["schemas"]["ChannelType"];
            status: components["schemas"]["Status"];
            subject?: string | null;
        };
        /** @description The state after the command, and the command's position in the log. */
        ConversationStateAnswer: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            channel_id: string;
            channel_type: components["schemas"]["ChannelType"];
            /** Format: uuid */
            contact_id: string;
            contact_identifier: string;
            display_name?: string | null;
            status: components["schemas"]["Status"];
            /** Format: uuid */
            assignee_id?: string | null;
            assignee_name?: string | null;
            /** Format: uuid */
            team_id?: string | null;
            /** Format: date-time */
            snoozed_until?: string | null;
            priority: components["schemas"]["Priority"];
            subject?: string | null;
            labels: string[];
            /** Format: uuid */
            sla_policy_id?: string | null;
            /** @description Whether a human agent was requested since the conversation was last with the bot. */
            handoff_requested: boolean;
            /**
             * Format: uuid
             * @description The agent who was requested by name.
             */
            handoff_agent_id?: string | null;
            handoff_reason?: string | null;
            /**
             * Format: uint64
             * @description The version of its stream. It is also the `ETag`.
             */
            version: number;
            /**
             * @description Send it as `Verbatim-After` with a query whose answer must include this command.
             * @example 1729
             */
            position: string;
        };
        /** @description The state after the command, and the command's position in the log. */
        CreatedApiKeyAnswer: {
            /**
             * Format: uuid
             * @description Also the id of the program as the actor of its events.
             */
            id: string;
            name: string;
            role: components["schemas"]["ApiKeyRole"];
            /** @description The key may do only this. `null` when it may do all that its role may. */
            permissions?: components["schemas"]["Permission"][] | null;
            /** Format: date-time */
            created_at: string;
            /**
             * Format: date-time
             * @description `null` when the key is valid until it is revoked.
             */
            expires_at?: string | null;
            has_expired: boolean;
            /**
             * Format: date-time
             * @description The last use, to an hour. `null` when the key was never used.
             */
            last_used_at?: string | null;
            /** @description The key itself. It is shown only here. */
            token: string;
            /**
             * Format: uint64
             * @description The version of its stream. It is also the `ETag`.
             */
            version: number;
            /**
             * @description Send it as `Verbatim-After` with a query whose answer must include this command.
             * @example 1729
             */
            position: string;
        };
        /** @description A mail address and a password, or a link. */
        Credentials: {
            /** @default null */
            email?: string | null;
            /** @default null */
            password?: string | null;
            /**
             * @description The text after `#sign-in=` of a link, instead of both.
             * @default null
             */
            link?: string | null;
        };
        /** @description A custom field and its value. */
        CustomField: {
            name: string;
            /** @description A number or a flag is compared by its text: `3`, `true`. */
            value: string;
        };
        /** @description A catalogue item, and the times at which it was defined first and last. */
        DefinedAutomationRule: {
            description?: string | null;
            /** Format: uuid */
            account_id: string;
            /** Format: uuid */
            id: string;
            /** @description Unique in the account. */
            name: string;
            /**
             * Format: int32
             * @description The rule with the lowest number runs first.
             */
            priority: number;
            /** @default true */
            is_active?: boolean;
            event: components["schemas"]["AutomationEvent"];
            /**
             * Format: uint32
             * @description How long the customer has waited, for `waiting_longer_than`.
             */
            waiting_seconds?: number | null;
            /**
             * @default {
             *       "match_mode": "any"
             *     }
             */
            conditions?: components["schemas"]["AutomationConditions"];
            /** @description Executed in their order. An action that cannot be executed is skipped. */
            actions: components["schemas"]["Action"][];
            /**
             * @description The key with which its webhooks are signed: `whsec_` and Base64. Created when the rule has
             *      webhooks and no key.
             */
            webhook_secret?: string | null;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            updated_at: string;
            /**
             * Format: uint64
             * @description The catalogue's version at the last change of this item. It is also the `ETag`.
             */
            version: number;
        };
        /** @description A page of a list. */
        DefinedAutomationRuleList: {
            data: components["schemas"]["DefinedAutomationRule"][];
            /** @description The `cursor` of the next page. `null` when this page is the last. */
            next_cursor?: string | null;
        };
        /** @description A catalogue item, and the times at which it was defined first and last. */
        DefinedBotRule: {
            /** Format: uuid */
            account_id: string;
            /** Format: uuid */
            id: string;
            /** @description Unique in the account. */
            name: string;
            /**
             * Format: int32
             * @description The rule with the lowest number is evaluated first.
             */
            priority: number;
            /** @default true */
            is_active?: boolean;
            trigger_type: components["schemas"]["BotTrigger"];
            /**
             * @default {
             *       "match_mode": "any"
             *     }
             */
            conditions?: components["schemas"]["BotConditions"];
            /** @default {} */
            actions?: components["schemas"]["BotActions"];
            /**
             * @description Whether the rule runs at most once in a conversation.
             * @default true
             */
            run_once?: boolean;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            updated_at: string;
            /**
             * Format: uint64
             * @description The catalogue's version at the last change of this item. It is also the `ETag`.
             */
            version: number;
        };
        /** @description A page of a list. */
        DefinedBotRuleList: {
            data: components["schemas"]["DefinedBotRule"][];
            /** @description The `cursor` of the next page. `null` when this page is the last. */
            next_cursor?: string | null;
        };
        /** @description A catalogue item, and the times at which it was defined first and last. */
        DefinedBusinessCalendar: {
            /** Format: uuid */
            account_id: string;
            /** Format: uuid */
            id: string;
            /** @description Unique in the account. */
            name: string;
            /** @description An IANA time zone: `Africa/Addis_Ababa`. */
            timezone: string;
            /** @description The intervals. A day can have several; time in which they overlap counts once. */
            schedule: components["schemas"]["WeeklyHours"][];
            holidays?: components["schemas"]["Holiday"][];
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            updated_at: string;
            /**
             * Format: uint64
             * @description The catalogue's version at the last change of this item. It is also the `ETag`.
             */
            version: number;
        };
        /** @description A page of a list. */
        DefinedBusinessCalendarList: {
            data: components["schemas"]["DefinedBusinessCalendar"][];
            /** @description The `cursor` of the next page. `null` when this page is the last. */
            next_cursor?: string | null;
        };
        /** @description A catalogue item, and the times at which it was defined first and last. */
        DefinedCannedResponse: {
            title: string;
            /** Format: uuid */
            account_id: string;
            /** Format: uuid */
            id: string;
            /** @description `/greeting`: unique in the account. */
            short_code: string;
            /** @description It may contain variables: `{{contact_name}}`. */
            content: string;
            category?: string | null;
            /** Format: uuid */
            created_by?: string | null;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            updated_at: string;
            /**
             * Format: uint64
             * @description The catalogue's version at the last change of this item. It is also the `ETag`.
             */
            version: number;
        };
        /** @description A page of a list. */
        DefinedCannedResponseList: {
            data: components["schemas"]["DefinedCannedResponse"][];
            /** @description The `cursor` of the next page. `null` when this page is the last. */
            next_cursor?: string | null;
        };
        /** @description A catalogue item, and the times at which it was defined first and last. */
        DefinedHandoffRule: {
            /** Format: uuid */
            account_id: string;
            /** Format: uuid */
            id: string;
            /** @description Unique in the account. */
            name: string;
            trigger_type: components["schemas"]["HandoffTrigger"];
            /** @description The words, the intent or the number of the trigger. `manual` needs none. */
            trigger_value?: string | null;
            /**
             * Format: int32
             * @description The rule with the lowest number is evaluated first.
             * @default 0
             */
            priority?: number;
            /** Format: uuid */
            target_team_id?: string | null;
            /** @description The message to the customer at the handoff. It may contain variables. */
            message_template?: string | null;
            /** @default true */
            is_active?: boolean;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            updated_at: string;
            /**
             * Format: uint64
             * @description The catalogue's version at the last change of this item. It is also the `ETag`.
             */
            version: number;
        };
        /** @description A page of a list. */
        DefinedHandoffRuleList: {
            data: components["schemas"]["DefinedHandoffRule"][];
            /** @description The `cursor` of the next page. `null` when this page is the last. */
            next_cursor?: string | null;
        };
        /** @description A catalogue item, and the times at which it was defined first and last. */
        DefinedMacro: {
            description?: string | null;
            /** Format: uuid */
            account_id: string;
            /** Format: uuid */
            id: string;
            /** @description Unique among the macros for everyone, or among its creator's own. */
            name: string;
            /** @description The users who see it and may run it. */
            visibility: components["schemas"]["MacroVisibility"];
            /** Format: uuid */
            created_by: string;
            /** @description Executed in their order. Either all are executed, or none. */
            actions: components["schemas"]["Action"][];
            /**
             * @description The key with which its webhooks are signed: `whsec_` and Base64. Created when the macro has
             *      webhooks and no key.
             */
            webhook_secret?: string | null;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            updated_at: string;
            /**
             * Format: uint64
             * @description The catalogue's version at the last change of this item. It is also the `ETag`.
             */
            version: number;
        };
        /** @description A page of a list. */
        DefinedMacroList: {
            data: components["schemas"]["DefinedMacro"][];
            /** @description The `cursor` of the next page. `null` when this page is the last. */
            next_cursor?: string | null;
        };
        /** @description A catalogue item, and the times at which it was defined first and last. */
        DefinedPublicChannel: {
            /** Format: uuid */
            account_id: string;
            /** Format: uuid */
            id: string;
            channel_type: components["schemas"]["ChannelType"];
            name: string;
            credential_names: string[];
            base_url?: string | null;
            is_enabled: boolean;
            /** @description The path of the channel's webhook on this server, to configure at the provider. */
            webhook_path: string;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            updated_at: string;
            /**
             * Format: uint64
             * @description The catalogue's version at the last change of this item. It is also the `ETag`.
             */
            version: number;
        };
        /** @description A page of a list. */
        DefinedPublicChannelList: {
            data: components["schemas"]["DefinedPublicChannel"][];
            /** @description The `cursor` of the next page. `null` when this page is the last. */
            next_cursor?: string | null;
        };
        /** @description A catalogue item, and the times at which it was defined first and last. */
        DefinedQueue: {
            /** Format: uuid */
            account_id: string;
            /** Format: uuid */
            id: string;
            /** @description Unique in the account. */
            name: string;
            /**
             * Format: uuid
             * @description The team whose conversations wait in this queue. `null` for conversations without a team, and of
             *      teams without a queue.
             */
            team_id?: string | null;
            strategy: components["schemas"]["RoutingStrategy"];
            /**
             * @description The penalties of agents. An agent with a penalty gets a conversation only when no agent with a
             *      lower penalty can take it.
             */
            penalties?: {
                [key: string]: number;
            };
            /**
             * Format: uint32
             * @description The most conversations that may wait. `null` for any number.
             */
            max_waiting?: number | null;
            /**
             * Format: uuid
             * @description The team that gets further conversations while `max_waiting` conversations wait, and those that waited
             *      for `timeout_seconds`.
             */
            overflow_team_id?: string | null;
            /**
             * Format: uint32
             * @description How long a conversation may wait in this queue; then it goes to the team `overflow_team_id`, and goes
             *      on waiting when there is none. `null` for any time.
             */
            timeout_seconds?: number | null;
            /**
             * Format: uint32
             * @description How long an offer is open.
             * @default 30
             */
            offer_seconds?: number;
            /**
             * Format: uint32
             * @description How long an agent who did not accept an offer gets no second offer of the same conversation.
             * @default 120
             */
            ask_again_seconds?: number;
            /** @default keep */
            when_offline?: components["schemas"]["WhenOffline"];
            /**
             * Format: uint32
             * @description How long after an agent went offline their conversations return to the queue.
             * @default 120
             */
            give_back_seconds?: number;
            /**
             * @description The message to a customer who has to wait. It may contain `{{position}}` and `{{wait_minutes}}`.
             *      `null` for no message.
             */
            announcement?: string | null;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            updated_at: string;
            /**
             * Format: uint64
             * @description The catalogue's version at the last change of this item. It is also the `ETag`.
             */
            version: number;
        };
        /** @description A page of a list. */
        DefinedQueueList: {
            data: components["schemas"]["DefinedQueue"][];
            /** @description The `cursor` of the next page. `null` when this page is the last. */
            next_cursor?: string | null;
        };
        /** @description A catalogue item, and the times at which it was defined first and last. */
        DefinedSavedView: {
            /** Format: uuid */
            account_id: string;
            /** Format: uuid */
            id: string;
            /** @description Unique among the views for everyone, or among its creator's own. */
            name: string;
            /** @description The users who see it. */
            visibility: components["schemas"]["ViewVisibility"];
            /** Format: uuid */
            created_by: string;
            filter: components["schemas"]["ViewFilter"];
            sort_by: components["schemas"]["ViewSort"];
            /** @description The newest, the most urgent or the latest first. */
            descending: boolean;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            updated_at: string;
            /**
             * Format: uint64
             * @description The catalogue's version at the last change of this item. It is also the `ETag`.
             */
            version: number;
        };
        /** @description A page of a list. */
        DefinedSavedViewList: {
            data: components["schemas"]["DefinedSavedView"][];
            /** @description The `cursor` of the next page. `null` when this page is the last. */
            next_cursor?: string | null;
        };
        /** @description A catalogue item, and the times at which it was defined first and last. */
        DefinedSlaPolicy: {
            description?: string | null;
            /** Format: uuid */
            account_id: string;
            /** Format: uuid */
            id: string;
            /** @description Unique in the account. */
            name: string;
            /** @default true */
            is_active?: boolean;
            /**
             * Format: int32
             * @description Of the policies that fit a conversation, the one with the lowest number is applied.
             * @default 0
             */
            order?: number;
            /** @description When empty, the policy fits every channel. */
            channel_ids?: string[];
            /** @description When empty, the policy fits every team, and conversations without a team. */
            team_ids?: string[];
            /**
             * Format: uuid
             * @description When time counts. `None`: every hour counts.
             */
            calendar_id?: string | null;
            /** @description In seconds, per priority. A priority that is missing here is promised nothing. */
            targets: {
                [key: string]: components["schemas"]["SlaTargets"];
            };
            /**
             * Format: uint32
             * @description How many business seconds before a deadline the warning comes. `None`: no warning.
             */
            warn_before_seconds?: number | null;
            /**
             * @description Whether time stops counting while the conversation is pending.
             * @default true
             */
            pause_while_pending?: boolean;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            updated_at: string;
            /**
             * Format: uint64
             * @description The catalogue's version at the last change of this item. It is also the `ETag`.
             */
            version: number;
        };
        /** @description A page of a list. */
        DefinedSlaPolicyList: {
            data: components["schemas"]["DefinedSlaPolicy"][];
            /** @description The `cursor` of the next page. `null` when this page is the last. */
            next_cursor?: string | null;
        };
        /** @description A catalogue item, and the times at which it was defined first and last. */
        DefinedTeam: {
            description?: string | null;
            /** Format: uuid */
            account_id: string;
            /** Format: uuid */
            id: string;
            /** @description Unique in the account. */
            name: string;
            /** Format: uuid */
            lead_id?: string | null;
            /** @default [] */
            member_ids?: string[];
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            updated_at: string;
            /**
             * Format: uint64
             * @description The catalogue's version at the last change of this item. It is also the `ETag`.
             */
            version: number;
        };
        /** @description A page of a list. */
        DefinedTeamList: {
            data: components["schemas"]["DefinedTeam"][];
            /** @description The `cursor` of the next page. `null` when this page is the last. */
            next_cursor?: string | null;
        };
        /**
         * @description The status of the delivery of an outgoing message. It never goes back.
         * @enum {string}
         */
        Delivery: "queued" | "dispatched" | "delivered" | "read" | "failed";
        /** @description The state of the delivery of an outgoing message. */
        DeliveryState: {
            state: components["schemas"]["Delivery"];
            /** Format: date-time */
            dispatched_at?: string | null;
            /** Format: date-time */
            delivered_at?: string | null;
            /** Format: date-time */
            read_at?: string | null;
            /** Format: date-time */
            failed_at?: string | null;
            error_code?: string | null;
            error_reason?: string | null;
        };
        Draft: {
            /** Format: uuid */
            conversation_id: string;
            content: string;
            is_private: boolean;
            /** Format: uuid */
            in_reply_to?: string | null;
            seen?: string | null;
            /** Format: date-time */
            updated_at: string;
            /**
             * Format: uint64
             * @description It is also the `ETag`. It grows with each change.
             */
            version: number;
        };
        /** @description The item in a request. */
        DraftAutomationRule: {
            description?: string | null;
            /** @description Unique in the account. */
            name: string;
            /**
             * Format: int32
             * @description The rule with the lowest number runs first.
             * @default 0
             */
            priority?: number;
            /** @default true */
            is_active?: boolean;
            event: components["schemas"]["AutomationEvent"];
            /**
             * Format: uint32
             * @description How long the customer has waited, for `waiting_longer_than`.
             */
            waiting_seconds?: number | null;
            /**
             * @default {
             *       "match_mode": "any"
             *     }
             */
            conditions?: components["schemas"]["AutomationConditions"];
            /** @description Executed in their order. An action that cannot be executed is skipped. */
            actions: components["schemas"]["Action"][];
            /**
             * @description The key with which its webhooks are signed: `whsec_` and Base64. Created when the rule has
             *      webhooks and no key.
             */
            webhook_secret?: string | null;
            /** Format: uuid */
            id?: string | null;
        };
        /** @description Draft rules, and a span of the past. */
        DraftAutomationRules: {
            /** @description The rules to test. Absent for the account's own rules. */
            rules?: components["schemas"]["DraftAutomationRule"][] | null;
            /** Format: date-time */
            from: string;
            /** Format: date-time */
            until: string;
            /**
             * Format: uint
             * @description The number of examples of each kind.
             * @default 5
             */
            examples?: number;
        };
        DraftList: {
            data: components["schemas"]["ListedDraft"][];
        };
        /** @description The item in a request. */
        DraftRule: {
            /** @description Unique in the account. */
            name: string;
            /**
             * Format: int32
             * @description The rule with the lowest number is evaluated first.
             * @default 0
             */
            priority?: number;
            /** @default true */
            is_active?: boolean;
            trigger_type: components["schemas"]["BotTrigger"];
            /**
             * @default {
             *       "match_mode": "any"
             *     }
             */
            conditions?: components["schemas"]["BotConditions"];
            /** @default {} */
            actions?: components["schemas"]["BotActions"];
            /**
             * @description Whether the rule runs at most once in a conversation.
             * @default true
             */
            run_once?: boolean;
            /** Format: uuid */
            id?: string | null;
        };
        /** @description Draft rules, and a span of the past. */
        DraftRules: {
            /** @description The rules to test. Absent for the account's own rules. */
            rules?: components["schemas"]["DraftRule"][] | null;
            /** Format: date-time */
            from: string;
            /** Format: date-time */
            until: string;
            /**
             * Format: uint
             * @description The number of examples of each kind.
             * @default 5
             */
            examples?: number;
        };
        /** @description A text that you have written and not sent. */
        DraftText: {
            /** @description At most 65,536 characters. */
            content: string;
            /**
             * @description Whether the text is an internal note.
             * @default false
             */
            is_private?: boolean;
            /**
             * Format: uuid
             * @description The message that it answers.
             * @default null
             */
            in_reply_to?: string | null;
            /**
             * @description The `cursor` of the newest message when you began to write.
             * @default null
             */
            seen?: string | null;
        };
        /** @description The acts of rules in a span of the past, and the acts of the live bot. */
        DryRun: {
            /** Format: date-time */
            from: string;
            /** Format: date-time */
            until: string;
            /**
             * Format: uint
             * @description The number of events of conversations in the span.
             */
            events: number;
            /**
             * Format: uint
             * @description The number of customers' messages for which the rules were evaluated.
             */
            messages: number;
            /** Format: uint */
            conversations: number;
            /** @description In the order in which they are evaluated. */
            rules: components["schemas"]["DryRunRule"][];
            /** @description The acts of all rules, and those of the live bot. */
            in_all: components["schemas"]["BotChangesWouldAndDid"];
            /** @description The conversations that would be different at the end of the span. */
            different: components["schemas"]["DryRunDifferences"];
        };
        /** @description The value with the tested rules, and the real one. */
        DryRunDifference: {
            /** Format: uuid */
            conversation_id: string;
            would: components["schemas"]["DryRunOutcome"];
            did: components["schemas"]["DryRunOutcome"];
        };
        DryRunDifferences: {
            /** Format: uint */
            conversations: number;
            examples: components["schemas"]["DryRunDifference"][];
        };
        /** @description A conversation in which a rule would have matched. */
        DryRunExample: {
            /** Format: uuid */
            conversation_id: string;
            /** Format: uuid */
            message_id: string;
            /** Format: date-time */
            at: string;
            /** @description Why the rule matches. */
            reason: string;
        };
        /** @description The state of a conversation at the end of the span. */
        DryRunOutcome: {
            /** Format: uuid */
            team_id?: string | null;
            labels: string[];
            priority: components["schemas"]["Priority"];
            /**
             * Format: uint
             * @description The messages of the bot, or of another program for it.
             */
            replies: number;
            /** Format: uint */
            handoffs: number;
        };
        DryRunRule: {
            /** Format: uuid */
            id: string;
            name: string;
            /**
             * Format: uint
             * @description The number of conversations in which the rule would have matched.
             */
            conversations: number;
            /**
             * Format: uint
             * @description The number of messages that the rule would have matched.
             */
            messages: number;
            examples: components["schemas"]["DryRunExample"][];
            /** @description The acts of the rule, and those of the live bot in the same conversations. */
            changes: components["schemas"]["BotChangesWouldAndDid"];
        };
        /** @description Whether an event can be undone (`POST /v1/conversations/{id}/undo`), and why not. */
        EventUndo: {
            is_possible: boolean;
            /** @description `final`, `closed`, `undone`, `part_of_undo`, `depended_on`, `resolved` or `snooze_over`. `null` when it is possible. */
            reason?: string | null;
            /** @description The reason in words. */
            detail?: string | null;
            /**
             * Format: uuid
             * @description The event that is the reason: the later one that depends on it, or the undo. `null` when no single event is.
             */
            event_id?: string | null;
        };
        /** @description One of several errors in a request. */
        FieldError: {
            /** @description The path of the field, such as `credentials.app_secret` or `labels[2]`. */
            field: string;
            detail: string;
        };
        /** @description A canned response, and its text for a conversation. */
        FilledCannedResponse: {
            title: string;
            /** Format: uuid */
            account_id: string;
            /** Format: uuid */
            id: string;
            /** @description `/greeting`: unique in the account. */
            short_code: string;
            /** @description It may contain variables: `{{contact_name}}`. */
            content: string;
            category?: string | null;
            /** Format: uuid */
            created_by?: string | null;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            updated_at: string;
            /**
             * Format: uint64
             * @description The catalogue's version at the last change of this item. It is also the `ETag`.
             */
            version: number;
            /** @description The text with its placeholders replaced. `null` when no conversation was named. */
            rendered?: string | null;
            /** @description The placeholders of `rendered` that have no value. The text cannot be sent before they are replaced. */
            unfilled: string[];
        };
        /** @description A conversation that was found by its subject or by its customer. */
        FoundConversation: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            account_id: string;
            /** Format: uuid */
            channel_id: string;
            channel_type: components["schemas"]["ChannelType"];
            /** Format: uuid */
            contact_id: string;
            contact_identifier: string;
            /**
             * Format: uint32
             * @description The number of the conversation among those of this contact on this channel, from 0.
             */
            ordinal: number;
            /** Format: uuid */
            assignee_id?: string | null;
            assignee_name?: string | null;
            /** Format: uuid */
            team_id?: string | null;
            status: components["schemas"]["Status"];
            priority: components["schemas"]["Priority"];
            subject?: string | null;
            language?: string | null;
            labels: string[];
            /** @description The fields that the bot collected before it handed over. */
            bot_context?: {
                [key: string]: unknown;
            } | null;
            /** @description Whether a human agent was requested since the conversation was last with the bot. */
            handoff_requested: boolean;
            /**
             * Format: uuid
             * @description The agent who was requested by name.
             */
            handoff_agent_id?: string | null;
            handoff_reason?: string | null;
            metadata: {
                [key: string]: unknown;
            };
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            resolved_at?: string | null;
            /** Format: date-time */
            closed_at?: string | null;
            /**
             * Format: date-time
             * @description When it was closed because it was inactive. `null` when it is open, or was closed for another reason.
             */
            expired_at?: string | null;
            /** Format: date-time */
            snoozed_until?: string | null;
            /** Format: uint32 */
            reopened_count: number;
            /** Format: uuid */
            sla_policy_id?: string | null;
            display_name?: string | null;
            /** Format: date-time */
            updated_at: string;
            /**
             * Format: date-time
             * @description The time of the first answer by an agent that did not fail.
             */
            first_reply_at?: string | null;
            /**
             * Format: date-time
             * @description When the newest message was recorded. The preview is of the message that was said last: one that came late
             *      leaves it as it is.
             */
            last_message_at: string;
            last_message_preview?: string | null;
            last_message_sender_type?: components["schemas"]["SenderType"] | null;
            /**
             * Format: date-time
             * @description The time since which the customer waits for an agent's answer. An answer that failed ends no wait.
             */
            unanswered_since?: string | null;
            /** Format: uint32 */
            message_count: number;
            /** Format: uint32 */
            received_count: number;
            /** Format: uint32 */
            sent_count: number;
            /** Format: uint32 */
            note_count: number;
            /** @description The SLA metric whose deadline is next. */
            sla_metric?: components["schemas"]["SlaMetric"] | null;
            /**
             * Format: date-time
             * @description The deadline that is next.
             */
            sla_due_at?: string | null;
            /**
             * @description The state of the SLA clock that is most urgent, in this order: `breached`, `running`, `paused`, `met`,
             *      `cancelled`.
             */
            sla_state?: string | null;
            /** Format: uint32 */
            sla_breached_count: number;
            /**
             * Format: uint64
             * @description The version of the conversation's stream. It is also the `ETag` of the response with one conversation.
             */
            version: number;
            /**
             * @description The position of its last event in the log.
             * @example 1729
             */
            position: string;
            /**
             * Format: date-time
             * @description The name of `unanswered_since` in earlier versions.
             */
            waiting_since?: string | null;
            /**
             * Format: uint32
             * @description The number of the customer's messages that the caller has not seen.
             */
            unread_count: number;
            /** @description The customer's name, or the identifier of one without a name. */
            marked_name: components["schemas"]["SearchSegment"][];
            marked_subject: components["schemas"]["SearchSegment"][];
        };
        /** @description A page of a list. */
        FoundConversationList: {
            data: components["schemas"]["FoundConversation"][];
            /** @description The `cursor` of the next page. `null` when this page is the last. */
            next_cursor?: string | null;
        };
        /** @description A message or a note that was found. */
        FoundMessage: {
            /** Format: uuid */
            id: string;
            conversation: components["schemas"]["ConversationOfFoundMessage"];
            sender_type: components["schemas"]["SenderType"];
            /** Format: uuid */
            sender_id?: string | null;
            sender_name?: string | null;
            /** @description Whether the message is an internal note. */
            is_private: boolean;
            content_type: components["schemas"]["ContentType"];
            /** @description The part of the text with what was searched for. */
            excerpt: components["schemas"]["SearchSegment"][];
            /** @description The names of its files. */
            file_names: components["schemas"]["SearchSegment"][][];
            /** Format: date-time */
            sent_at: string;
            /** Format: date-time */
            created_at: string;
            /** @description The value of `before` or `after` for the messages around this one. */
            cursor: string;
        };
        /** @description A page of a list. */
        FoundMessageList: {
            data: components["schemas"]["FoundMessage"][];
            /** @description The `cursor` of the next page. `null` when this page is the last. */
            next_cursor?: string | null;
        };
        /** @description A contact who was found by a name or an identifier. */
        FoundPerson: {
            /** Format: uuid */
            id: string;
            display_name?: string | null;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            updated_at: string;
            /** @description The identifier that was found. The contact may have others. */
            identifier: components["schemas"]["ContactIdentifier"];
            /** @description The name at this identifier, or the identifier when it has no name. */
            marked_name: components["schemas"]["SearchSegment"][];
            marked_identifier: components["schemas"]["SearchSegment"][];
            /** @description Whether the name is only like the one that was searched for. */
            is_similar: boolean;
        };
        /** @description A page of a list. */
        FoundPersonList: {
            data: components["schemas"]["FoundPerson"][];
            /** @description The `cursor` of the next page. `null` when this page is the last. */
            next_cursor?: string | null;
        };
        /** @description The state after the command, and the command's position in the log. */
        HandoffRuleAnswer: {
            /** Format: uuid */
            id: string;
            /** @description Unique in the account. */
            name: string;
            trigger_type: components["schemas"]["HandoffTrigger"];
            /** @description The words, the intent or the number of the trigger. `manual` needs none. */
            trigger_value?: string | null;
            /**
             * Format: int32
             * @description The rule with the lowest number is evaluated first.
             * @default 0
             */
            priority?: number;
            /** Format: uuid */
            target_team_id?: string | null;
            /** @description The message to the customer at the handoff. It may contain variables. */
            message_template?: string | null;
            /** @default true */
            is_active?: boolean;
            /**
             * Format: uint64
             * @description The version of its stream. It is also the `ETag`.
             */
            version: number;
            /**
             * @description Send it as `Verbatim-After` with a query whose answer must include this command.
             * @example 1729
             */
            position: string;
        };
        /** @description A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member. */
        HandoffRulePatch: {
            /** @description Unique in the account. */
            name?: string;
            trigger_type?: components["schemas"]["HandoffTrigger"];
            /** @description The words, the intent or the number of the trigger. `manual` needs none. */
            trigger_value?: string | null;
            /**
             * Format: int32
             * @description The rule with the lowest number is evaluated first.
             */
            priority?: number | null;
            /** Format: uuid */
            target_team_id?: string | null;
            /** @description The message to the customer at the handoff. It may contain variables. */
            message_template?: string | null;
            is_active?: boolean | null;
        };
        /** @description The item in a request. */
        HandoffRuleSpec: {
            /** @description Unique in the account. */
            name: string;
            trigger_type: components["schemas"]["HandoffTrigger"];
            /** @description The words, the intent or the number of the trigger. `manual` needs none. */
            trigger_value?: string | null;
            /**
             * Format: int32
             * @description The rule with the lowest number is evaluated first.
             * @default 0
             */
            priority?: number;
            /** Format: uuid */
            target_team_id?: string | null;
            /** @description The message to the customer at the handoff. It may contain variables. */
            message_template?: string | null;
            /** @default true */
            is_active?: boolean;
        };
        /** @description The trigger of a handoff rule (requirement 002). */
        HandoffTrigger: "keyword" | "intent" | "sentiment" | "timeout" | "confidence" | "manual" | "turns";
        /**
         * @description Whether the conversation has an assignee.
         * @enum {string}
         */
        Held: "none" | "any";
        /** @description An event, and a sentence that describes it. */
        HistoryEvent: {
            /** @description `verbatim.<kind>.<EventType>.v<version>` */
            type: string;
            summary: string;
            /** @description Whether the event can be undone. Only with `undo=true`. */
            undo?: components["schemas"]["EventUndo"] | null;
            specversion: string;
            id: string;
            /** @description `/accounts/<account>` */
            source: string;
            /** @description The stream. */
            subject: string;
            /** @description When it occurred, RFC 3339. */
            time: string;
            datacontenttype: string;
            /** @description The URL of the JSON Schema of `data`. */
            dataschema: string;
            /** @description Extension: the position in the log, after which a consumer can resume. */
            position: string;
            /** @description Extension: the version in the stream. */
            streamversion: string;
            correlationid: string;
            causationid?: string | null;
            traceparent?: string | null;
            /** @description Extension: when it was recorded, RFC 3339. */
            recordedtime: string;
            /** @description Extension: who caused it, `user`, `contact`, `service` or `system`. */
            actortype: string;
            actorid?: string | null;
            actorname?: string | null;
            data: unknown;
        };
        /** @description A page of a list. */
        HistoryEventList: {
            data: components["schemas"]["HistoryEvent"][];
            /** @description The `cursor` of the next page. `null` when this page is the last. */
            next_cursor?: string | null;
        };
        /** @description Why a scheduled message was not sent at its time. */
        HoldReason: "written_since" | "closed" | "channel_off" | "outside_reply_window" | "overdue" | "refused";
        /** @description A day on which no business hours begin. */
        Holiday: {
            /** @description `YYYY-MM-DD` */
            date: string;
            name?: string | null;
        };
        /** @description The fate of a scheduled message when others write before its time. */
        IfWritten: "send" | "hold";
        /** @description Information to ask the customer for: its name alone, or its name and the question in full. */
        InfoField: string | {
            name: string;
            question: string;
        };
        /** @description An invitation. */
        Invitation: {
            account_name?: string | null;
            email: string;
            name?: string | null;
            role: components["schemas"]["Role"];
            /** @description Whether the person has a password already, and gives that one. */
            has_password: boolean;
        };
        /** @description The state after the command, and the command's position in the log. */
        InvitedPersonAnswer: {
            /** Format: uuid */
            id: string;
            email: string;
            /** @description `null` of a person who has not chosen one yet. */
            name?: string | null;
            role: components["schemas"]["Role"];
            status: components["schemas"]["PersonStatus"];
            /** Format: date-time */
            joined_at?: string | null;
            /** Format: date-time */
            invitation_expires_at?: string | null;
            /** @description The address of the page at which the person accepts. A path when no `public_url` is configured. */
            link: string;
            /**
             * Format: uint64
             * @description The version of its stream. It is also the `ETag`.
             */
            version: number;
            /**
             * @description Send it as `Verbatim-After` with a query whose answer must include this command.
             * @example 1729
             */
            position: string;
        };
        /** @description Days off, including the first and the last, in the time zone of the working hours. */
        Leave: {
            /** @description `YYYY-MM-DD` */
            from: string;
            /** @description `YYYY-MM-DD` */
            until: string;
        };
        LinkOnly: {
            /** @description The text after `#join=` of the link. */
            link: string;
        };
        /** @description A draft in the list. */
        ListedDraft: {
            /** Format: uuid */
            conversation_id: string;
            is_private: boolean;
            /** @description The beginning of its text: 120 characters. */
            preview: string;
            /** Format: date-time */
            updated_at: string;
            /** Format: uint64 */
            version: number;
        };
        /** @description The state after the command, and the command's position in the log. */
        MacroAnswer: {
            description?: string | null;
            /** Format: uuid */
            id: string;
            /** @description Unique among the macros for everyone, or among its creator's own. */
            name: string;
            /** @description The users who see it and may run it. */
            visibility: components["schemas"]["MacroVisibility"];
            /** Format: uuid */
            created_by: string;
            /** @description Executed in their order. Either all are executed, or none. */
            actions: components["schemas"]["Action"][];
            /**
             * @description The key with which its webhooks are signed: `whsec_` and Base64. Created when the macro has
             *      webhooks and no key.
             */
            webhook_secret?: string | null;
            /**
             * Format: uint64
             * @description The version of its stream. It is also the `ETag`.
             */
            version: number;
            /**
             * @description Send it as `Verbatim-After` with a query whose answer must include this command.
             * @example 1729
             */
            position: string;
        };
        /** @description A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member. */
        MacroPatch: {
            description?: string | null;
            /** @description Unique among the macros for everyone, or among its creator's own. */
            name?: string;
            /** @description The users who see it and may run it. */
            visibility?: components["schemas"]["MacroVisibility"];
            /** @description Executed in their order. Either all are executed, or none. */
            actions?: components["schemas"]["Action"][];
            /**
             * @description The key with which its webhooks are signed: `whsec_` and Base64. Created when the macro has
             *      webhooks and no key.
             */
            webhook_secret?: string | null;
        };
        /** @description The item in a request. */
        MacroSpec: {
            description?: string | null;
            /** @description Unique among the macros for everyone, or among its creator's own. */
            name: string;
            /** @description The users who see it and may run it. */
            visibility: components["schemas"]["MacroVisibility"];
            /** @description Executed in their order. Either all are executed, or none. */
            actions: components["schemas"]["Action"][];
            /**
             * @description The key with which its webhooks are signed: `whsec_` and Base64. Created when the macro has
             *      webhooks and no key.
             */
            webhook_secret?: string | null;
        };
        /** @description The users who see a macro and may run it. */
        MacroVisibility: "everyone" | "personal";
        /**
         * @description How many of the keywords the message must contain.
         * @enum {string}
         */
        MatchMode: "any" | "all";
        /** @description A rule, and the events and waits that it matches. */
        MatchedRule: {
            /** Format: uuid */
            id: string;
            name: string;
            /**
             * Format: uint
             * @description The number of conversations in which the rule would have run.
             */
            conversations: number;
            /**
             * Format: uint
             * @description The number of times that the rule would have run.
             */
            matches: number;
            /**
             * Format: uint
             * @description The number of times that the account's rule of this id did run in the span.
             */
            ran: number;
            /** @description The first match of each of some conversations. */
            examples: components["schemas"]["RuleMatch"][];
        };
        /** @description A message, or a note that only agents see. */
        Message: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            conversation_id: string;
            /** @description `inbound` for the customer's messages, `outbound` for all others and for notes. */
            direction: components["schemas"]["MessageDirection"];
            sender_type: components["schemas"]["SenderType"];
            /** Format: uuid */
            sender_id?: string | null;
            sender_name?: string | null;
            /** @description Whether the message is an internal note. */
            is_private: boolean;
            /** @description Empty when the message was deleted; the conversation's history has its words. */
            content: string;
            content_type: components["schemas"]["ContentType"];
            attachments: components["schemas"]["Attachment"][];
            details?: unknown;
            template?: components["schemas"]["Template"] | null;
            mentions: string[];
            provider_message_id?: string | null;
            /** @description The provider's id of the message that this one answers. */
            reply_to?: string | null;
            /** Format: uuid */
            in_reply_to?: string | null;
            /**
             * Format: date-time
             * @description When its sender last changed it. The conversation's history has the earlier versions.
             */
            edited_at?: string | null;
            /**
             * Format: date-time
             * @description When its sender deleted it.
             */
            revoked_at?: string | null;
            /** @description At most one of each sender. */
            reactions: components["schemas"]["Reaction"][];
            /** @description The state of the delivery. `null` for the customer's messages and for notes. */
            delivery?: components["schemas"]["DeliveryState"] | null;
            metadata: {
                [key: string]: unknown;
            };
            /** Format: date-time */
            sent_at: string;
            /** Format: date-time */
            created_at: string;
            /** @description The value of `before` or `after` for the page before or after this message. */
            cursor: string;
        };
        /** @enum {string} */
        MessageDirection: "inbound" | "outbound";
        /** @description A page of a list. */
        MessageList: {
            data: components["schemas"]["Message"][];
            /** @description The `cursor` of the next page. `null` when this page is the last. */
            next_cursor?: string | null;
        };
        /** @description An API key to be created. */
        NewApiKey: {
            /** @description The purpose of the key. Colleagues see it as the name of the program. */
            name: string;
            /**
             * @description The most that the program may do. By default a service.
             * @default service
             */
            role?: components["schemas"]["ApiKeyRole"];
            /**
             * @description The key may do only this. Absent or `null` for all that its role may do.
             * @default null
             */
            permissions?: components["schemas"]["Permission"][] | null;
            /**
             * Format: date-time
             * @description Absent or `null` for a key that is valid until it is revoked.
             * @default null
             */
            expires_at?: string | null;
        };
        /** @description The new assignment. Without an agent and a team you take the conversation yourself. */
        NewAssignment: {
            /**
             * Format: uuid
             * @default null
             */
            assignee_id?: string | null;
            /**
             * Format: uuid
             * @default null
             */
            team_id?: string | null;
            /**
             * @description The reason, for the history.
             * @default null
             */
            reason?: string | null;
            /**
             * @description Assigns the conversation although the agent is not eligible. Only supervisors may do this, and it is
             *      recorded.
             * @default false
             */
            force?: boolean;
        };
        /** @description The actions of a bulk change, and its conversations. */
        NewBulkChange: {
            /** @description Each at most once. */
            conversation_ids: string[];
            /**
             * @description `assign_agent`, `assign_team`, `unassign`, `add_labels`, `remove_labels`, `set_priority`, `snooze`, `resolve` and
             *      `reopen`.
             */
            actions: components["schemas"]["Action"][];
        };
        /** @description A message to the customer or, with `is_private`, an internal note. */
        NewMessage: {
            /**
             * @description The text. Absent for the text of the canned response.
             * @default
             */
            content?: string;
            /**
             * @description Whether the message is an internal note, which is never sent to the customer.
             * @default false
             */
            is_private?: boolean;
            /** @default null */
            content_type?: components["schemas"]["ContentType"] | null;
            /** @default [] */
            attachments?: components["schemas"]["Attachment"][];
            /**
             * @description Structured content: coordinates, contact cards, the buttons of an interactive message.
             * @default null
             */
            details?: unknown;
            /** @default null */
            template?: components["schemas"]["Template"] | null;
            /**
             * Format: uuid
             * @description The message that this one answers.
             * @default null
             */
            in_reply_to?: string | null;
            /**
             * Format: uuid
             * @description A canned response. Its text is used, with its variables filled in, when `content` is absent.
             * @default null
             */
            canned_response_id?: string | null;
            /**
             * @description The agents whom a note mentions.
             * @default []
             */
            mentions?: string[];
            /**
             * @description The sender of a service's message: `bot` or `system`. Only for services.
             * @default null
             */
            sender_type?: components["schemas"]["SenderType"] | null;
            /** @default {} */
            metadata?: {
                [key: string]: unknown;
            };
            /**
             * Format: uint64
             * @description The `version` of the conversation that you have read. When others have written since, the message is refused
             *      with 409 `written-since`. Absent to send it in any case.
             * @default null
             */
            seen_version?: number | null;
            /**
             * Format: date-time
             * @description When the message is to be sent: a time to come, at most a year ahead. Absent to send it after the account's
             *      `undo_send_seconds`, which are 0 by default: at once. A message that is sent later can be cancelled until then.
             * @default null
             */
            send_at?: string | null;
            /**
             * @description The fate of the message when others write before it is sent: `send`, or `hold` until an agent decides. The default
             *      is `hold` for a message with `send_at`, and `send` for one that is only delayed so that it can be taken back.
             * @default null
             */
            if_written?: components["schemas"]["IfWritten"] | null;
        };
        NewPassword: {
            /** @default null */
            present_password?: string | null;
            /** @description At least 12 characters. */
            password: string;
        };
        NewPerson: {
            email: string;
            /**
             * @description The name that colleagues see, until the person chooses one.
             * @default null
             */
            name?: string | null;
            role: components["schemas"]["PersonRole"];
        };
        NotificationChange: {
            sound?: boolean;
            desktop?: boolean;
            email_on_assignment?: boolean;
        };
        /** @description How an agent wants to be notified. */
        NotificationPreferences: {
            /** @default true */
            sound?: boolean;
            /** @default true */
            desktop?: boolean;
            /** @default false */
            email_on_assignment?: boolean;
        };
        /** @description The agents to whom the conversation is offered. */
        OpenOffer: {
            /** Format: uuid */
            id: string;
            agent_ids: string[];
            /** Format: date-time */
            until: string;
        };
        /** @description One of your sessions. */
        OwnSession: {
            /** Format: uuid */
            id: string;
            /** @description Whether this entry is the session of the request. */
            is_this: boolean;
            method: components["schemas"]["SignInMethod"];
            /** @description The browser, in its own words. */
            user_agent?: string | null;
            /** Format: date-time */
            began_at: string;
            /**
             * Format: date-time
             * @description The last recorded use. It is recorded only now and then.
             */
            used_at: string;
            /**
             * Format: date-time
             * @description When it ends without further use.
             */
            ends_at: string;
        };
        OwnSessions: {
            data: components["schemas"]["OwnSession"][];
        };
        People: {
            data: components["schemas"]["Person"][];
        };
        /** @description A permission of an API key, within its role: to read or to change one part of the account. */
        Permission: ("conversations:write" | "contacts:read" | "contacts:write" | "agents:write" | "settings:write" | "people:write") | "conversations:read" | "agents:read" | "settings:read" | "people:read" | "events:read" | "customers:write";
        /** @description A person of the account. */
        Person: {
            /** Format: uuid */
            id: string;
            email: string;
            /** @description `null` of a person who has not chosen one yet. */
            name?: string | null;
            role: components["schemas"]["Role"];
            status: components["schemas"]["PersonStatus"];
            /** Format: date-time */
            joined_at?: string | null;
            /** Format: date-time */
            invitation_expires_at?: string | null;
        };
        /** @description The state after the command, and the command's position in the log. */
        PersonAnswer: {
            /** Format: uuid */
            id: string;
            email: string;
            /** @description `null` of a person who has not chosen one yet. */
            name?: string | null;
            role: components["schemas"]["Role"];
            status: components["schemas"]["PersonStatus"];
            /** Format: date-time */
            joined_at?: string | null;
            /** Format: date-time */
            invitation_expires_at?: string | null;
            /**
             * Format: uint64
             * @description The version of its stream. It is also the `ETag`.
             */
            version: number;
            /**
             * @description Send it as `Verbatim-After` with a query whose answer must include this command.
             * @example 1729
             */
            position: string;
        };
        PersonChange: {
            role: components["schemas"]["PersonRole"];
        };
        /** @description The permissions of a person in an account. Each role has the permissions of the one before it. */
        PersonRole: ("agent" | "supervisor" | "administrator") | "owner";
        /** @enum {string} */
        PersonStatus: "invited" | "joined";
        /** @description The changes. Absent fields stay as they are, and `null` removes a restriction. */
        PreferencesChange: {
            /** @description Empty or `null` for every channel. */
            available_channels?: components["schemas"]["ChannelType"][] | null;
            /** @description Empty or `null` for every topic. */
            available_topics?: string[] | null;
            /** @description `null` for all hours. */
            available_hours?: components["schemas"]["AvailableHours"] | null;
            /** @description All days off. The list replaces the present one. */
            leave?: components["schemas"]["Leave"][] | null;
            /** @description BCP 47 tags: `en`, `am`. Empty or `null` for every language. */
            languages?: string[] | null;
            /** Format: uint32 */
            max_concurrent_conversations?: number;
            is_available?: boolean;
            auto_accept?: boolean;
            notification_preferences?: components["schemas"]["NotificationChange"];
        };
        /** @description The state after the command, and the command's position in the log. */
        PreferencesStateAnswer: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            user_id: string;
            /**
             * @description Empty for every channel.
             * @default []
             */
            available_channels?: components["schemas"]["ChannelType"][];
            /**
             * @description Empty for every topic.
             * @default []
             */
            available_topics?: string[];
            /** @description `None` when the agent is always available. */
            available_hours?: components["schemas"]["AvailableHours"] | null;
            /**
             * @description Days off, in the time zone of `available_hours`, or in UTC when there is none.
             * @default []
             */
            leave?: components["schemas"]["Leave"][];
            /**
             * @description BCP 47 language tags: `en`, `am`. Empty for every language.
             * @default []
             */
            languages?: string[];
            /**
             * Format: uint32
             * @default 5
             */
            max_concurrent_conversations?: number;
            /** @default true */
            is_available?: boolean;
            /** @default false */
            auto_accept?: boolean;
            /**
             * @default {
             *       "sound": true,
             *       "desktop": true,
             *       "email_on_assignment": false
             *     }
             */
            notification_preferences?: components["schemas"]["NotificationPreferences"];
            /**
             * Format: uint64
             * @description The version of its stream. It is also the `ETag`.
             */
            version: number;
            /**
             * @description Send it as `Verbatim-After` with a query whose answer must include this command.
             * @example 1729
             */
            position: string;
        };
        /**
         * @description The priority of a conversation (requirement 000, section 1.1).
         * @enum {string}
         */
        Priority: "low" | "normal" | "high" | "urgent";
        /** @description The problem document that clients receive. */
        Problem: {
            title: string;
            /** @description The kind of problem, `/problems/<name>`. This path explains the problem and its remedy. */
            type: string;
            /** Format: uint16 */
            status: number;
            detail?: string | null;
            /** @description The part of the request that caused the problem. */
            field?: string | null;
            /** @description All errors of the request, when it has more than one. */
            errors?: components["schemas"]["FieldError"][];
            /**
             * Format: uint64
             * @description Seconds to wait before trying again.
             */
            retry_after?: number | null;
        } & {
            [key: string]: unknown;
        };
        /** @description The state after the command, and the command's position in the log. */
        PublicChannelAnswer: {
            /** Format: uuid */
            id: string;
            channel_type: components["schemas"]["ChannelType"];
            name: string;
            credential_names: string[];
            base_url?: string | null;
            is_enabled: boolean;
            /** @description The path of the channel's webhook on this server, to configure at the provider. */
            webhook_path: string;
            /**
             * Format: uint64
             * @description The version of its stream. It is also the `ETag`.
             */
            version: number;
            /**
             * @description Send it as `Verbatim-After` with a query whose answer must include this command.
             * @example 1729
             */
            position: string;
        };
        /** @description The state after the command, and the command's position in the log. */
        QueueAnswer: {
            /** Format: uuid */
            id: string;
            /** @description Unique in the account. */
            name: string;
            /**
             * Format: uuid
             * @description The team whose conversations wait in this queue. `null` for conversations without a team, and of
             *      teams without a queue.
             */
            team_id?: string | null;
            strategy: components["schemas"]["RoutingStrategy"];
            /**
             * @description The penalties of agents. An agent with a penalty gets a conversation only when no agent with a
             *      lower penalty can take it.
             */
            penalties?: {
                [key: string]: number;
            };
            /**
             * Format: uint32
             * @description The most conversations that may wait. `null` for any number.
             */
            max_waiting?: number | null;
            /**
             * Format: uuid
             * @description The team that gets further conversations while `max_waiting` conversations wait, and those that waited
             *      for `timeout_seconds`.
             */
            overflow_team_id?: string | null;
            /**
             * Format: uint32
             * @description How long a conversation may wait in this queue; then it goes to the team `overflow_team_id`, and goes
             *      on waiting when there is none. `null` for any time.
             */
            timeout_seconds?: number | null;
            /**
             * Format: uint32
             * @description How long an offer is open.
             * @default 30
             */
            offer_seconds?: number;
            /**
             * Format: uint32
             * @description How long an agent who did not accept an offer gets no second offer of the same conversation.
             * @default 120
             */
            ask_again_seconds?: number;
            /** @default keep */
            when_offline?: components["schemas"]["WhenOffline"];
            /**
             * Format: uint32
             * @description How long after an agent went offline their conversations return to the queue.
             * @default 120
             */
            give_back_seconds?: number;
            /**
             * @description The message to a customer who has to wait. It may contain `{{position}}` and `{{wait_minutes}}`.
             *      `null` for no message.
             */
            announcement?: string | null;
            /**
             * Format: uint64
             * @description The version of its stream. It is also the `ETag`.
             */
            version: number;
            /**
             * @description Send it as `Verbatim-After` with a query whose answer must include this command.
             * @example 1729
             */
            position: string;
        };
        /** @description A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member. */
        QueuePatch: {
            /** @description Unique in the account. */
            name?: string;
            /**
             * Format: uuid
             * @description The team whose conversations wait in this queue. `null` for conversations without a team, and of
             *      teams without a queue.
             */
            team_id?: string | null;
            strategy?: components["schemas"]["RoutingStrategy"];
            /**
             * @description The penalties of agents. An agent with a penalty gets a conversation only when no agent with a
             *      lower penalty can take it.
             */
            penalties?: {
                [key: string]: number;
            } | null;
            /**
             * Format: uint32
             * @description The most conversations that may wait. `null` for any number.
             */
            max_waiting?: number | null;
            /**
             * Format: uuid
             * @description The team that gets further conversations while `max_waiting` conversations wait, and those that waited
             *      for `timeout_seconds`.
             */
            overflow_team_id?: string | null;
            /**
             * Format: uint32
             * @description How long a conversation may wait in this queue; then it goes to the team `overflow_team_id`, and goes
             *      on waiting when there is none. `null` for any time.
             */
            timeout_seconds?: number | null;
            /**
             * Format: uint32
             * @description How long an offer is open.
             */
            offer_seconds?: number | null;
            /**
             * Format: uint32
             * @description How long an agent who did not accept an offer gets no second offer of the same conversation.
             */
            ask_again_seconds?: number | null;
            when_offline?: components["schemas"]["WhenOffline"] | null;
            /**
             * Format: uint32
             * @description How long after an agent went offline their conversations return to the queue.
             */
            give_back_seconds?: number | null;
            /**
             * @description The message to a customer who has to wait. It may contain `{{position}}` and `{{wait_minutes}}`.
             *      `null` for no message.
             */
            announcement?: string | null;
        };
        /** @description The item in a request. */
        QueueSpec: {
            /** @description Unique in the account. */
            name: string;
            /**
             * Format: uuid
             * @description The team whose conversations wait in this queue. `null` for conversations without a team, and of
             *      teams without a queue.
             */
            team_id?: string | null;
            strategy: components["schemas"]["RoutingStrategy"];
            /**
             * @description The penalties of agents. An agent with a penalty gets a conversation only when no agent with a
             *      lower penalty can take it.
             */
            penalties?: {
                [key: string]: number;
            };
            /**
             * Format: uint32
             * @description The most conversations that may wait. `null` for any number.
             */
            max_waiting?: number | null;
            /**
             * Format: uuid
             * @description The team that gets further conversations while `max_waiting` conversations wait, and those that waited
             *      for `timeout_seconds`.
             */
            overflow_team_id?: string | null;
            /**
             * Format: uint32
             * @description How long a conversation may wait in this queue; then it goes to the team `overflow_team_id`, and goes
             *      on waiting when there is none. `null` for any time.
             */
            timeout_seconds?: number | null;
            /**
             * Format: uint32
             * @description How long an offer is open.
             * @default 30
             */
            offer_seconds?: number;
            /**
             * Format: uint32
             * @description How long an agent who did not accept an offer gets no second offer of the same conversation.
             * @default 120
             */
            ask_again_seconds?: number;
            /** @default keep */
            when_offline?: components["schemas"]["WhenOffline"];
            /**
             * Format: uint32
             * @description How long after an agent went offline their conversations return to the queue.
             * @default 120
             */
            give_back_seconds?: number;
            /**
             * @description The message to a customer who has to wait. It may contain `{{position}}` and `{{wait_minutes}}`.
             *      `null` for no message.
             */
            announcement?: string | null;
        };
        /** @description A conversation that waits for an agent. */
        QueuedConversation: {
            /** Format: uuid */
            conversation_id: string;
            /** Format: uuid */
            team_id?: string | null;
            priority: components["schemas"]["Priority"];
            /**
             * Format: uint32
             * @description The position in its team's queue, from 1.
             */
            position: number;
            /** Format: date-time */
            queued_since: string;
            /**
             * Format: date-time
             * @description `null` while the conversation is being offered and was never queued.
             */
            queued_at?: string | null;
            /**
             * Format: uint64
             * @description `null` when too few conversations were assigned lately to estimate it.
             */
            expected_wait_seconds?: number | null;
            /** @description `null` when the conversation is not being offered. */
            offer?: components["schemas"]["OpenOffer"] | null;
        };
        /** @description A page of a list. */
        QueuedConversationList: {
            data: components["schemas"]["QueuedConversation"][];
            /** @description The `cursor` of the next page. `null` when this page is the last. */
            next_cursor?: string | null;
        };
        /** @description The present reaction of one sender to a message. */
        Reaction: {
            sender_type: components["schemas"]["SenderType"];
            emoji: string;
            /**
             * Format: date-time
             * @description When they reacted, by the provider's clock.
             */
            reacted_at: string;
        };
        /** @description A conversation in which you have no draft any more. */
        RemovedDraft: {
            /** Format: uuid */
            conversation_id: string;
        };
        /** @description The state after the command, and the command's position in the log. */
        RemovedPersonAnswer: {
            /** Format: uuid */
            id: string;
            /**
             * Format: uint64
             * @description The version of its stream. It is also the `ETag`.
             */
            version: number;
            /**
             * @description Send it as `Verbatim-After` with a query whose answer must include this command.
             * @example 1729
             */
            position: string;
        };
        /** @description The state after the command, and the command's position in the log. */
        RetiredAnswer: {
            /** Format: uuid */
            id: string;
            /**
             * Format: uint64
             * @description The version of its stream. It is also the `ETag`.
             */
            version: number;
            /**
             * @description Send it as `Verbatim-After` with a query whose answer must include this command.
             * @example 1729
             */
            position: string;
        };
        /** @description The state after the command, and the command's position in the log. */
        RevokedApiKeyAnswer: {
            /** Format: uuid */
            id: string;
            /**
             * Format: uint64
             * @description The version of its stream. It is also the `ETag`.
             */
            version: number;
            /**
             * @description Send it as `Verbatim-After` with a query whose answer must include this command.
             * @example 1729
             */
            position: string;
        };
        /**
         * @description The caller's permissions. A supervisor has all permissions of an agent, and an administrator all of a
         *      supervisor; an owner is an administrator who makes other owners. A service is another program: it has the permissions of an agent and some of its own.
         */
        Role: ("agent" | "supervisor" | "administrator" | "service") | "owner";
        /** @description How one of the eligible agents is chosen. */
        RoutingStrategy: "random" | "round_robin" | "least_busy" | "manual_queue" | "least_recent" | "ring_all";
        /** @description An event or a wait that a rule matches. */
        RuleMatch: {
            /** Format: uuid */
            conversation_id: string;
            /**
             * Format: uuid
             * @description `null` when the customer's waiting is the cause.
             */
            event_id?: string | null;
            /** Format: date-time */
            at: string;
        };
        /** @description The state after the command, and the command's position in the log. */
        SavedViewAnswer: {
            /** Format: uuid */
            id: string;
            /** @description Unique among the views for everyone, or among its creator's own. */
            name: string;
            /** @description The users who see it. */
            visibility: components["schemas"]["ViewVisibility"];
            /** Format: uuid */
            created_by: string;
            filter: components["schemas"]["ViewFilter"];
            sort_by: components["schemas"]["ViewSort"];
            /** @description The newest, the most urgent or the latest first. */
            descending: boolean;
            /**
             * Format: uint64
             * @description The version of its stream. It is also the `ETag`.
             */
            version: number;
            /**
             * @description Send it as `Verbatim-After` with a query whose answer must include this command.
             * @example 1729
             */
            position: string;
        };
        /** @description A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member. */
        SavedViewPatch: {
            /** @description Unique among the views for everyone, or among its creator's own. */
            name?: string;
            /** @description The users who see it. */
            visibility?: components["schemas"]["ViewVisibility"];
            filter?: components["schemas"]["ViewFilter"];
            sort_by?: components["schemas"]["ViewSort"] | null;
            /** @description The newest, the most urgent or the latest first. */
            descending?: boolean | null;
        };
        /** @description The item in a request. */
        SavedViewSpec: {
            /** @description Unique among the views for everyone, or among its creator's own. */
            name: string;
            /** @description The users who see it. */
            visibility: components["schemas"]["ViewVisibility"];
            filter: components["schemas"]["ViewFilter"];
            /** @default last_message_at */
            sort_by?: components["schemas"]["ViewSort"];
            /**
             * @description The newest, the most urgent or the latest first.
             * @default true
             */
            descending?: boolean;
        };
        /** @description Why a message is sent later. */
        ScheduleReason: "undo_send" | "send_later";
        /** @description When and how a message is sent later. */
        ScheduledFor: {
            /** Format: date-time */
            send_at: string;
            reason: components["schemas"]["ScheduleReason"];
            if_written: components["schemas"]["IfWritten"];
        };
        /** @description A message that an agent has scheduled. */
        ScheduledMessage: {
            /**
             * Format: uuid
             * @description The id of the message when it is sent.
             */
            id: string;
            /** Format: uuid */
            conversation_id: string;
            state: components["schemas"]["ScheduledState"];
            /** Format: date-time */
            send_at: string;
            reason: components["schemas"]["ScheduleReason"];
            if_written: components["schemas"]["IfWritten"];
            /** Format: date-time */
            held_at?: string | null;
            /** @description Why it was not sent. `null` while it waits for its time. */
            held_because?: components["schemas"]["HoldReason"] | null;
            /** @description The reason in words. */
            held_detail?: string | null;
            /** Format: uuid */
            sender_id: string;
            sender_name?: string | null;
            content: string;
            content_type: components["schemas"]["ContentType"];
            attachments: components["schemas"]["Attachment"][];
            details?: unknown;
            template?: components["schemas"]["Template"] | null;
            /** Format: uuid */
            in_reply_to?: string | null;
            metadata: {
                [key: string]: unknown;
            };
            /** Format: date-time */
            created_at: string;
        };
        /** @description A page of a list. */
        ScheduledMessageList: {
            data: components["schemas"]["ScheduledMessage"][];
            /** @description The `cursor` of the next page. `null` when this page is the last. */
            next_cursor?: string | null;
        };
        /** @description The state after the command, and the command's position in the log. */
        ScheduledMessageStateAnswer: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            conversation_id: string;
            /**
             * Format: date-time
             * @description When it is sent. `null` when it was cancelled or sent.
             */
            send_at?: string | null;
            /**
             * Format: uint64
             * @description The version of its stream. It is also the `ETag`.
             */
            version: number;
            /**
             * @description Send it as `Verbatim-After` with a query whose answer must include this command.
             * @example 1729
             */
            position: string;
        };
        /** @description The state of a scheduled message. */
        ScheduledState: "scheduled" | "held";
        /** @description The results of each kind that was searched. */
        SearchResult: {
            people?: components["schemas"]["FoundPersonList"] | null;
            conversations?: components["schemas"]["FoundConversationList"] | null;
            messages?: components["schemas"]["FoundMessageList"] | null;
        };
        /** @description A part of a text. All parts joined are the text, or an excerpt of it. */
        SearchSegment: {
            text: string;
            /** @description Whether this part is what was searched for. */
            hit: boolean;
        };
        /**
         * @description The sender of a message (requirement 000, section 1.2).
         * @enum {string}
         */
        SenderType: "contact" | "agent" | "bot" | "system";
        /** @description A session. */
        Session: {
            /** Format: uuid */
            session_id: string;
            /** Format: uuid */
            user_id: string;
            /** @description The accounts in which the session is valid. With several, name one in `X-Account-Id`. */
            accounts: components["schemas"]["SessionAccount"][];
            /** @description A request that changes something sends it as `X-CSRF-Token`. */
            csrf_token: string;
            /**
             * Format: date-time
             * @description When the session ends, however often it is used.
             */
            expires_at: string;
            /** @description Whether `PUT /v1/session/password` needs no present password. */
            may_set_password: boolean;
        };
        /** @description A person in an account. */
        SessionAccount: {
            /** Format: uuid */
            account_id: string;
            account_name?: string | null;
            role: components["schemas"]["Role"];
            name?: string | null;
            email: string;
        };
        /** @description How a person proved who they are. */
        SignInMethod: "password" | "link" | "invitation";
        /**
         * @description The metrics for which an SLA policy can have targets.
         * @enum {string}
         */
        SlaMetric: "first_response" | "next_response" | "resolution";
        /** @description The state after the command, and the command's position in the log. */
        SlaPolicyAnswer: {
            description?: string | null;
            /** Format: uuid */
            id: string;
            /** @description Unique in the account. */
            name: string;
            /** @default true */
            is_active?: boolean;
            /**
             * Format: int32
             * @description Of the policies that fit a conversation, the one with the lowest number is applied.
             * @default 0
             */
            order?: number;
            /** @description When empty, the policy fits every channel. */
            channel_ids?: string[];
            /** @description When empty, the policy fits every team, and conversations without a team. */
            team_ids?: string[];
            /**
             * Format: uuid
             * @description When time counts. `None`: every hour counts.
             */
            calendar_id?: string | null;
            /** @description In seconds, per priority. A priority that is missing here is promised nothing. */
            targets: {
                [key: string]: components["schemas"]["SlaTargets"];
            };
            /**
             * Format: uint32
             * @description How many business seconds before a deadline the warning comes. `None`: no warning.
             */
            warn_before_seconds?: number | null;
            /**
             * @description Whether time stops counting while the conversation is pending.
             * @default true
             */
            pause_while_pending?: boolean;
            /**
             * Format: uint64
             * @description The version of its stream. It is also the `ETag`.
             */
            version: number;
            /**
             * @description Send it as `Verbatim-After` with a query whose answer must include this command.
             * @example 1729
             */
            position: string;
        };
        /** @description A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member. */
        SlaPolicyPatch: {
            description?: string | null;
            /** @description Unique in the account. */
            name?: string;
            is_active?: boolean | null;
            /**
             * Format: int32
             * @description Of the policies that fit a conversation, the one with the lowest number is applied.
             */
            order?: number | null;
            /** @description When empty, the policy fits every channel. */
            channel_ids?: string[] | null;
            /** @description When empty, the policy fits every team, and conversations without a team. */
            team_ids?: string[] | null;
            /**
             * Format: uuid
             * @description When time counts. `None`: every hour counts.
             */
            calendar_id?: string | null;
            /** @description In seconds, per priority. A priority that is missing here is promised nothing. */
            targets?: {
                [key: string]: components["schemas"]["SlaTargets"];
            };
            /**
             * Format: uint32
             * @description How many business seconds before a deadline the warning comes. `None`: no warning.
             */
            warn_before_seconds?: number | null;
            /** @description Whether time stops counting while the conversation is pending. */
            pause_while_pending?: boolean | null;
        };
        /** @description The item in a request. */
        SlaPolicySpec: {
            description?: string | null;
            /** @description Unique in the account. */
            name: string;
            /** @default true */
            is_active?: boolean;
            /**
             * Format: int32
             * @description Of the policies that fit a conversation, the one with the lowest number is applied.
             * @default 0
             */
            order?: number;
            /** @description When empty, the policy fits every channel. */
            channel_ids?: string[];
            /** @description When empty, the policy fits every team, and conversations without a team. */
            team_ids?: string[];
            /**
             * Format: uuid
             * @description When time counts. `None`: every hour counts.
             */
            calendar_id?: string | null;
            /** @description In seconds, per priority. A priority that is missing here is promised nothing. */
            targets: {
                [key: string]: components["schemas"]["SlaTargets"];
            };
            /**
             * Format: uint32
             * @description How many business seconds before a deadline the warning comes. `None`: no warning.
             */
            warn_before_seconds?: number | null;
            /**
             * @description Whether time stops counting while the conversation is pending.
             * @default true
             */
            pause_while_pending?: boolean;
        };
        /**
         * @description The state of the SLA clock that is most urgent.
         * @enum {string}
         */
        SlaState: "breached" | "running" | "paused" | "met" | "cancelled";
        /** @description How quickly, in seconds of business time. `None`: not promised. */
        SlaTargets: {
            /**
             * Format: uint32
             * @description From the opening of the conversation until the first reply of an agent.
             */
            first_response_seconds?: number | null;
            /**
             * Format: uint32
             * @description From a customer's message after the first reply until an agent's next reply.
             */
            next_response_seconds?: number | null;
            /**
             * Format: uint32
             * @description From the opening of the conversation until it is resolved.
             */
            resolution_seconds?: number | null;
        };
        /** @description An SLA timer of a conversation. */
        SlaTimer: {
            metric: components["schemas"]["SlaMetric"];
            /** Format: uuid */
            policy_id: string;
            /**
             * Format: uint32
             * @description The number of this run of the clock in the conversation, from 1.
             */
            generation: number;
            /** @description `running`, `paused`, `met`, `breached` or `cancelled`. */
            state: string;
            /** Format: date-time */
            started_at: string;
            /**
             * Format: date-time
             * @description `null` while the clock is paused.
             */
            due_at?: string | null;
            /** Format: date-time */
            warn_at?: string | null;
            warned: boolean;
            /**
             * Format: double
             * @description The business time that is left, in seconds. `null` while the clock is not paused.
             */
            remaining_seconds?: number | null;
            /**
             * Format: date-time
             * @description The time at which the target was met or cancelled.
             */
            ended_at?: string | null;
        };
        /**
         * @description The status of a conversation (requirement 000, section 1.1).
         * @enum {string}
         */
        Status: "open" | "bot" | "assigned" | "pending" | "resolved" | "closed";
        /** @description The state after the command, and the command's position in the log. */
        TeamAnswer: {
            description?: string | null;
            /** Format: uuid */
            id: string;
            /** @description Unique in the account. */
            name: string;
            /** Format: uuid */
            lead_id?: string | null;
            /** @default [] */
            member_ids?: string[];
            /**
             * Format: uint64
             * @description The version of its stream. It is also the `ETag`.
             */
            version: number;
            /**
             * @description Send it as `Verbatim-After` with a query whose answer must include this command.
             * @example 1729
             */
            position: string;
        };
        TeamIs: string;
        /** @description A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member. */
        TeamPatch: {
            description?: string | null;
            /** @description Unique in the account. */
            name?: string;
            /** Format: uuid */
            lead_id?: string | null;
            member_ids?: string[] | null;
        };
        /** @description The item in a request. */
        TeamSpec: {
            description?: string | null;
            /** @description Unique in the account. */
            name: string;
            /** Format: uuid */
            lead_id?: string | null;
            /** @default [] */
            member_ids?: string[];
        };
        /** @description A template that the provider has approved. Outside the reply window only templates can be sent. */
        Template: {
            name: string;
            /** @description The language in the provider's spelling: `en_US`. */
            language: string;
            /** @description The parameters of the template, in the provider's own shape. */
            components?: unknown[];
        };
        /** @description A part of every day, in local time; when `end` is before `start` it includes midnight. */
        TimeRange: {
            /** @description `HH:MM` */
            start: string;
            /** @description `HH:MM`; this minute is not included. */
            end: string;
            /** @description An IANA time zone: `Africa/Addis_Ababa`. */
            tz: string;
        };
        /** @description The parts of the assignment to remove. */
        Unassignment: {
            /**
             * @description Removes the agent.
             * @default true
             */
            agent?: boolean;
            /**
             * @description Removes the team.
             * @default false
             */
            team?: boolean;
            /**
             * @description The reason, for the history.
             * @default null
             */
            reason?: string | null;
        };
        /** @description The changes. Absent fields stay as they are, and `null` removes a value. */
        UpdateConversation: {
            status?: components["schemas"]["Status"];
            /**
             * Format: date-time
             * @description When the conversation returns from `pending`. It can be sent without `status`. `null` removes the time, and
             *      the conversation stays pending.
             */
            snoozed_until?: string | null;
            /** Format: uuid */
            assignee_id?: string | null;
            /** Format: uuid */
            team_id?: string | null;
            priority?: components["schemas"]["Priority"];
            /** @description All labels. The list replaces the present one, and `null` removes all. */
            labels?: string[] | null;
            subject?: string | null;
            /**
             * @description Added to the facts that the bot has collected. A fact that is `null` is removed; `null` instead of the object
             *      removes all facts.
             */
            bot_context?: {
                [key: string]: unknown;
            } | null;
            /**
             * Format: uuid
             * @description `null` ends the SLA policy: nothing is promised any more.
             */
            sla_policy_id?: string | null;
            /**
             * @description The reason, for the history.
             * @default null
             */
            reason?: string | null;
        };
        /** @description The number of conversations of a view. */
        ViewCount: {
            /**
             * Format: uint
             * @description At most 10,000.
             */
            count: number;
            /** @description Whether there are more. */
            has_more: boolean;
        };
        /**
         * @description A filter of conversations: one condition, or several that are joined. A condition with several values is met by
         *      each of them.
         */
        ViewFilter: {
            all: components["schemas"]["ViewFilter"][];
        } | {
            any: components["schemas"]["ViewFilter"][];
        } | {
            not: components["schemas"]["ViewFilter"];
        } | {
            status: components["schemas"]["Status"][];
        } | {
            assignee: components["schemas"]["AssigneeIs"][];
        } | {
            team: components["schemas"]["TeamIs"][];
        } | {
            channel: string[];
        } | {
            channel_type: components["schemas"]["ChannelType"][];
        } | {
            label: string[];
        } | {
            priority: components["schemas"]["Priority"][];
        } | {
            language: string[];
        } | {
            unread: boolean;
        } | {
            /** Format: uint32 */
            unanswered_for: number;
        } | {
            sla_state: components["schemas"]["SlaState"][];
        } | {
            /** Format: uint32 */
            sla_due_within: number;
        } | {
            /** Format: uint32 */
            active_within: number;
        } | {
            /** Format: uint32 */
            created_within: number;
        } | {
            custom: components["schemas"]["CustomField"];
        };
        /**
         * @description By what a view is sorted. Conversations without a value come last in either direction.
         * @enum {string}
         */
        ViewSort: "last_message_at" | "created_at" | "priority" | "unanswered_since" | "sla_due_at";
        /** @description The users who see a view. */
        ViewVisibility: "everyone" | "personal";
        /** @description A rejected webhook, or the rejected part of one. */
        WebhookRejection: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            channel_id: string;
            channel_type: components["schemas"]["ChannelType"];
            reason: string;
            body: string;
            /** @description The body in Base64. `null` when the body is text. */
            body_base64?: string | null;
            /** Format: date-time */
            received_at: string;
        };
        /** @description A page of a list. */
        WebhookRejectionList: {
            data: components["schemas"]["WebhookRejection"][];
            /** @description The `cursor` of the next page. `null` when this page is the last. */
            next_cursor?: string | null;
        };
        /**
         * @description A day of the week, as requirement 000 (section 2) spells it.
         * @enum {string}
         */
        Weekday: "mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun";
        /** @description Hours that repeat every week, in local time. An `end` at or before `start` is on the next day. */
        WeeklyHours: {
            days: components["schemas"]["Weekday"][];
            /** @description `HH:MM` */
            start: string;
            /** @description `HH:MM`; `24:00` is the end of the day. */
            end: string;
        };
        /** @description The treatment of an agent's conversations when the agent goes offline. */
        WhenOffline: "keep" | "give_back";
        /** @description The state after the command, and the command's position in the log. */
        WrittenMessageAnswer: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            conversation_id: string;
            sender_type: components["schemas"]["SenderType"];
            /** Format: uuid */
            sender_id?: string | null;
            sender_name?: string | null;
            is_private: boolean;
            /**
             * @description The text, a caption, the title of the chosen button, or the readable part of a form or an order.
             * @default
             */
            content?: string;
            /** @default text */
            content_type?: components["schemas"]["ContentType"];
            attachments?: components["schemas"]["Attachment"][];
            /** @description Structured content: coordinates, contact cards, the id of a choice, the products of an order. */
            details?: unknown;
            template?: components["schemas"]["Template"] | null;
            /** Format: uuid */
            in_reply_to?: string | null;
            mentions: string[];
            metadata: {
                [key: string]: unknown;
            };
            /** @description The status of the delivery. `null` for a note, and for a message that is sent later. */
            delivery?: components["schemas"]["Delivery"] | null;
            /** @description When and how the message is sent later. Absent for a message that was sent at once, and for a note. */
            scheduled?: components["schemas"]["ScheduledFor"] | null;
            /** @description Whether this answer of the bot led to the request for a human agent. */
            handoff_requested: boolean;
            handoff_reason?: string | null;
            /**
             * Format: uint64
             * @description The version of its stream. It is also the `ETag`.
             */
            version: number;
            /**
             * @description Send it as `Verbatim-After` with a query whose answer must include this command.
             * @example 1729
             */
            position: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    getSession: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `csrf_token` of `GET /v1/session`. Required for requests that change something. */
                "X-CSRF-Token"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A session. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    signIn: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description A mail address and a password, or a link. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["Credentials"];
            };
        };
        responses: {
            /** @description A session. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    signOut: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `csrf_token` of `GET /v1/session`. Required for requests that change something. */
                "X-CSRF-Token"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    setPassword: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `csrf_token` of `GET /v1/session`. Required for requests that change something. */
                "X-CSRF-Token"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewPassword"];
            };
        };
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listSessions: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `csrf_token` of `GET /v1/session`. Required for requests that change something. */
                "X-CSRF-Token"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OwnSessions"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    endOtherSessions: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `csrf_token` of `GET /v1/session`. Required for requests that change something. */
                "X-CSRF-Token"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    endSession: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `csrf_token` of `GET /v1/session`. Required for requests that change something. */
                "X-CSRF-Token"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    previewInvitation: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LinkOnly"];
            };
        };
        responses: {
            /** @description An invitation. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invitation"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    acceptInvitation: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AcceptedInvitation"];
            };
        };
        responses: {
            /** @description A session. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listPeople: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["People"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    invitePerson: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewPerson"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InvitedPersonAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    removePerson: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RemovedPersonAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updatePerson: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                user_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PersonChange"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PersonAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listApiKeys: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKeys"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createApiKey: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description An API key to be created. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewApiKey"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedApiKeyAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    revokeApiKey: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RevokedApiKeyAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listAudit: {
        parameters: {
            query?: {
                /** @description The id of the person or program that acted. */
                actor_id?: string | null;
                /** @description `account`, `people`, `api_keys`, `agents`, or a catalogue: `teams`, `channels`, `bot_rules`. */
                kind?: string | null;
                /** @description The id of the item, person, key or agent. */
                item_id?: string | null;
                /** @description From this time on. */
                from?: string | null;
                /** @description Before this time. */
                to?: string | null;
                /** @description Between 1 and 200. The default is 50. */
                limit?: number | null;
                /** @description The `next_cursor` of the page before. */
                cursor?: string | null;
            };
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of a list. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditEntryList"];
                    "text/csv": unknown;
                    "application/x-ndjson": unknown;
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listConversations: {
        parameters: {
            query?: {
                /** @description One or several statuses, separated by commas: `open,assigned`. */
                status?: string;
                /** @description `me`, `none`, or an agent's id. */
                assignee_id?: string | null;
                team_id?: string | null;
                channel_id?: string | null;
                contact_id?: string | null;
                label?: string | null;
                priority?: components["schemas"]["Priority"] | null;
                updated_since?: string | null;
                /**
                 * @description `last_message_at` (the default, `:desc`), `created_at`, `priority`, `unanswered_since` or `sla_due_at`,
                 *      with `:asc` or `:desc`. Without a direction the newest, the most urgent or the latest comes first.
                 */
                sort?: string | null;
                /** @description Between 1 and 200. The default is 50. */
                limit?: number | null;
                /**
                 * @description The `next_cursor` of the page before. What changed while the pages were read follows after the last one, so
                 *      that no customer who writes meanwhile is missed. A conversation may therefore come twice: the later row is the newer.
                 */
                cursor?: string | null;
                /** @description A time (RFC 3339) or a position of the log. The list is shown as it was at that moment. */
                as_of?: string | null;
            };
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of a list. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConversationList"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    countConversations: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The number of conversations, by tab and status. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConversationCounts"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    startBulkChange: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description The actions of a bulk change, and its conversations. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewBulkChange"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BulkChangeAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getBulkChange: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A bulk change. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BulkChange"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    undoBulkChange: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BulkChangeAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listViews: {
        parameters: {
            query?: {
                /** @description The `next_cursor` of the page before. A page has at most 1,000 items and four megabytes. */
                cursor?: string | null;
            };
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of a list. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinedSavedViewList"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createSavedView: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description The item in a request. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["SavedViewSpec"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SavedViewAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteSavedView: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RetiredAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateSavedView: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["SavedViewPatch"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SavedViewAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listConversationsOfView: {
        parameters: {
            query?: {
                /** @description Between 1 and 200. The default is 50. */
                limit?: number | null;
                /** @description The `next_cursor` of the page before. */
                cursor?: string | null;
            };
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of a list. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConversationList"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    countConversationsOfView: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The number of conversations of a view. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ViewCount"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getConversation: {
        parameters: {
            query?: {
                /** @description A time (RFC 3339) or a position of the log. The conversation is shown as it was at that moment. */
                as_of?: string | null;
            };
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A conversation with its SLA timers and its most recent messages. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConversationDetail"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateConversation: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description The changes. Absent fields stay as they are, and `null` removes a value. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateConversation"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConversationStateAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listMessages: {
        parameters: {
            query?: {
                /** @description The `cursor` of a message; the page has the messages before it. */
                before?: string | null;
                /**
                 * @description The `cursor` of a message; the page has the messages after it. A message that came late is listed where it was
                 *      said, so it may be before a cursor that was read earlier; the event streams have every message when it comes.
                 */
                after?: string | null;
                /**
                 * @description The `next_cursor` of the page before. The pages go on in the same direction: backwards from the newest
                 *      message, or forwards when `after` is given too.
                 */
                cursor?: string | null;
                /** @description Between 1 and 200. The default is 50. */
                limit?: number | null;
            };
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of a list. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MessageList"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    sendMessage: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description A message to the customer or, with `is_private`, an internal note. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewMessage"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WrittenMessageAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listScheduledMessages: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of a list. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ScheduledMessageList"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancelScheduledMessage: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
                message_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ScheduledMessageStateAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    sendScheduledMessage: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
            };
            path: {
                id: string;
                message_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ScheduledMessageStateAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listOwnScheduledMessages: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of a list. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ScheduledMessageList"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getDraft: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Draft"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    putDraft: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description A text that you have written and not sent. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["DraftText"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Draft"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteDraft: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A conversation in which you have no draft any more. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RemovedDraft"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listDrafts: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DraftList"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listConversationEvents: {
        parameters: {
            query?: {
                /** @description Whether each event says if it can be undone. The whole history is then read for each page. */
                undo?: boolean | null;
                /** @description Between 1 and 200. The default is 50. */
                limit?: number | null;
                /** @description The `next_cursor` of the page before: an event's `streamversion`. */
                cursor?: string | null;
            };
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of a list. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HistoryEventList"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    assignConversation: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description The new assignment. Without an agent and a team you take the conversation yourself. */
        requestBody?: {
            content: {
                "application/json": components["schemas"]["NewAssignment"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConversationStateAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    unassignConversation: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description The parts of the assignment to remove. */
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Unassignment"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConversationStateAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    markConversationSeen: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConversationStateAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    search: {
        parameters: {
            query: {
                /** @description Words, phrases and filters: `refund from:ana is:unread label:vip before:2026-11-01`. At most 400 bytes. */
                q: string;
                /**
                 * @description One or several of `people`, `conversations` and `messages`, separated by commas. Without it, those that have the
                 *      filters of `q`.
                 */
                kinds?: string;
                /** @description The results of each kind, between 1 and 200. The default is 50. */
                limit?: number | null;
                /** @description The `next_cursor` of the page before. `kinds` then names one kind. */
                cursor?: string | null;
            };
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The results of each kind that was searched. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SearchResult"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getContact: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A contact with its identifiers. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ContactDetail"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listTeams: {
        parameters: {
            query?: {
                /** @description The `next_cursor` of the page before. A page has at most 1,000 items and four megabytes. */
                cursor?: string | null;
            };
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of a list. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinedTeamList"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createTeam: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description The item in a request. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["TeamSpec"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TeamAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listAgents: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of a list. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentList"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listPreferences: {
        parameters: {
            query?: {
                /** @description One or several topics, separated by commas. Agents who take one of them; an agent without topics takes all. */
                available_topics?: string | null;
                is_available?: boolean | null;
            };
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of a list. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentPreferencesList"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listQueued: {
        parameters: {
            query?: {
                /** @description Only the conversations that wait for this team. */
                team_id?: string | null;
            };
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of a list. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueuedConversationList"];
                    "text/event-stream": unknown;
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listMacros: {
        parameters: {
            query?: {
                /** @description The `next_cursor` of the page before. A page has at most 1,000 items and four megabytes. */
                cursor?: string | null;
            };
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of a list. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinedMacroList"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createMacro: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description The item in a request. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["MacroSpec"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MacroAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    runMacro: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
                macro_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConversationStateAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listCannedResponses: {
        parameters: {
            query?: {
                /** @description For example `greetings`, `billing` or `closings`. */
                category?: string | null;
                /** @description For example `/greeting`. */
                short_code?: string | null;
                /** @description The `next_cursor` of the page before. A page has at most 1,000 items and four megabytes. */
                cursor?: string | null;
            };
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of a list. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinedCannedResponseList"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createCannedResponse: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description The item in a request. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["CannedResponseSpec"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CannedResponseAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getCannedResponse: {
        parameters: {
            query?: {
                /** @description The conversation for whose contact the placeholders are replaced. */
                conversation_id?: string | null;
            };
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A canned response, and its text for a conversation. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FilledCannedResponse"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteCannedResponse: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RetiredAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateCannedResponse: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["CannedResponsePatch"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CannedResponseAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listChannels: {
        parameters: {
            query?: {
                /** @description The `next_cursor` of the page before. A page has at most 1,000 items and four megabytes. */
                cursor?: string | null;
            };
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of a list. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinedPublicChannelList"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createChannel: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description The item in a request. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChannelSpec"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PublicChannelAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getChannel: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A catalogue item, and the times at which it was defined first and last. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinedPublicChannel"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteChannel: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RetiredAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateChannel: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChannelPatch"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PublicChannelAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getTeam: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A catalogue item, and the times at which it was defined first and last. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinedTeam"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteTeam: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RetiredAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateTeam: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["TeamPatch"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TeamAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getMacro: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A catalogue item, and the times at which it was defined first and last. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinedMacro"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteMacro: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RetiredAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateMacro: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["MacroPatch"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MacroAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listAutomationRules: {
        parameters: {
            query?: {
                /** @description The `next_cursor` of the page before. A page has at most 1,000 items and four megabytes. */
                cursor?: string | null;
            };
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of a list. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinedAutomationRuleList"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createAutomationRule: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description The item in a request. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["AutomationRuleSpec"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AutomationRuleAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getAutomationRule: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A catalogue item, and the times at which it was defined first and last. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinedAutomationRule"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteAutomationRule: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RetiredAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateAutomationRule: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["AutomationRulePatch"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AutomationRuleAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listBotRules: {
        parameters: {
            query?: {
                /** @description The `next_cursor` of the page before. A page has at most 1,000 items and four megabytes. */
                cursor?: string | null;
            };
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of a list. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinedBotRuleList"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createBotRule: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description The item in a request. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["BotRuleSpec"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BotRuleAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getBotRule: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A catalogue item, and the times at which it was defined first and last. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinedBotRule"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteBotRule: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RetiredAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateBotRule: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["BotRulePatch"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BotRuleAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listHandoffRules: {
        parameters: {
            query?: {
                /** @description The `next_cursor` of the page before. A page has at most 1,000 items and four megabytes. */
                cursor?: string | null;
            };
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of a list. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinedHandoffRuleList"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createHandoffRule: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description The item in a request. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["HandoffRuleSpec"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HandoffRuleAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getHandoffRule: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A catalogue item, and the times at which it was defined first and last. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinedHandoffRule"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteHandoffRule: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RetiredAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateHandoffRule: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["HandoffRulePatch"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HandoffRuleAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listQueues: {
        parameters: {
            query?: {
                /** @description The `next_cursor` of the page before. A page has at most 1,000 items and four megabytes. */
                cursor?: string | null;
            };
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of a list. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinedQueueList"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createQueue: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description The item in a request. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["QueueSpec"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getQueue: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A catalogue item, and the times at which it was defined first and last. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinedQueue"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteQueue: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RetiredAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateQueue: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["QueuePatch"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listSlaPolicies: {
        parameters: {
            query?: {
                /** @description The `next_cursor` of the page before. A page has at most 1,000 items and four megabytes. */
                cursor?: string | null;
            };
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of a list. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinedSlaPolicyList"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createSlaPolicy: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description The item in a request. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["SlaPolicySpec"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SlaPolicyAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getSlaPolicy: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A catalogue item, and the times at which it was defined first and last. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinedSlaPolicy"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteSlaPolicy: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RetiredAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateSlaPolicy: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["SlaPolicyPatch"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SlaPolicyAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listCalendars: {
        parameters: {
            query?: {
                /** @description The `next_cursor` of the page before. A page has at most 1,000 items and four megabytes. */
                cursor?: string | null;
            };
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of a list. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinedBusinessCalendarList"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createCalendar: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description The item in a request. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["CalendarSpec"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BusinessCalendarAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getCalendar: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A catalogue item, and the times at which it was defined first and last. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinedBusinessCalendar"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteCalendar: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RetiredAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateCalendar: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["CalendarPatch"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BusinessCalendarAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    dryRunBotRules: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description Draft rules, and a span of the past. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["DraftRules"];
            };
        };
        responses: {
            /** @description The acts of rules in a span of the past, and the acts of the live bot. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRun"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    dryRunAutomationRules: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description Draft rules, and a span of the past. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["DraftAutomationRules"];
            };
        };
        responses: {
            /** @description The events and waits in a span of the past that automation rules match. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AutomationDryRun"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getBotSettings: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /**
             * @description The settings of an account's bot and of its conversations' inactivity. The defaults apply to an
             *      account that has defined none.
             */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BotSettings"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    resetBotSettings: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RetiredAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateBotSettings: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description A merge patch (RFC 7396): an absent member stays as it is, and `null` removes a member. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["BotSettingsPatch"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BotSettingsAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getPreferences: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path: {
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The conversations that an agent can take, and when (requirement 000, section 2). */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentPreferences"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updatePreferences: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path: {
                user_id: string;
            };
            cookie?: never;
        };
        /** @description The changes. Absent fields stay as they are, and `null` removes a restriction. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["PreferencesChange"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PreferencesStateAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getOwnPreferences: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The conversations that an agent can take, and when (requirement 000, section 2). */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentPreferences"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    updateOwnPreferences: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A key that the client chooses for one request: its method, path and body. When the request is sent again with the same key it takes effect once and gets the first answer. Another request with the same key is refused. */
                "Idempotency-Key"?: string;
                /** @description The `ETag` of the version that the change applies to. If the resource has another version, the change is refused. */
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description The changes. Absent fields stay as they are, and `null` removes a restriction. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["PreferencesChange"];
            };
        };
        responses: {
            /** @description The state after the command, and the command's position in the log. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PreferencesStateAnswer"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listWebhookRejections: {
        parameters: {
            query?: {
                /** @description Between 1 and 200. The default is 50. */
                limit?: number | null;
                /** @description The `next_cursor` of the page before. */
                cursor?: string | null;
            };
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of a list. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookRejectionList"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getWebhookRejection: {
        parameters: {
            query?: never;
            header?: {
                /** @description The account of the request. Required when the token or the session names several accounts. */
                "X-Account-Id"?: string;
                /** @description A `position` from the response to a command. The server waits until the response can include it. */
                "Verbatim-After"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A rejected webhook, or the rejected part of one. */
            200: {
                headers: {
                    /** @description The position of the log that the tables held: the answer has every event up to it and none after it. A response that was not read from the tables has no such header: a stream, and a view of the past. */
                    "Verbatim-Position"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookRejection"];
                };
            };
            /** @description The request was refused. The problem document has the reason. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
