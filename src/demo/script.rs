//! The conversations that the demonstration plays.

/// One step of a conversation.
#[derive(Clone, Copy, Debug)]
pub enum Turn {
    /// The customer writes this text.
    Customer(&'static str),
    /// The assigned agent answers with this text.
    Agent(&'static str),
    /// The agent writes a private note for colleagues.
    Note(&'static str),
    /// The supervisor sets priority and labels.
    Triage(&'static str, &'static [&'static str]),
    /// The agent sets the status to `pending` and waits for the customer.
    SetPending,
    /// The agent resolves the conversation.
    Resolve,
}

/// A customer's conversation.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    pub name: &'static str,
    pub phone: &'static str,
    /// The index of the agent who claims the conversation. `None` when no agent does.
    pub agent: Option<usize>,
    pub turns: &'static [Turn],
}

use Turn::{Agent, Customer, Note, Resolve, SetPending, Triage};

const fn script(
    name: &'static str,
    phone: &'static str,
    agent: Option<usize>,
    turns: &'static [Turn],
) -> Script {
    Script { name, phone, agent, turns }
}

pub const SCRIPTS: &[Script] = &[
    script(
        "Hanna Tesfaye",
        "251911000101",
        Some(0),
        &[
            Customer("I want a refund for the blue kettle, it leaks."),
            Triage("high", &["refund"]),
            Agent("I am sorry about that, Hanna. What is your order number?"),
            Customer("It is 40-1187."),
            Note("Second leaking kettle of batch 40 this week."),
            Agent("Thank you. The refund is on its way and will show in three days."),
            Customer("That was quick, thanks!"),
            Resolve,
        ],
    ),
    script(
        "Mikael Lindqvist",
        "46700000102",
        Some(1),
        &[
            Customer("Hi, can I change the delivery address of order 40-1202?"),
            Agent("Yes, it has not left yet. Where shall it go?"),
            Customer("Storgatan 5, Uppsala"),
            Agent("Done. You will get a new confirmation by mail."),
            Resolve,
        ],
    ),
    script(
        "Amara Okafor",
        "234800000103",
        None,
        &[
            Customer("My payment went through twice!"),
            Triage("urgent", &["billing"]),
            Customer("Please answer, this was my rent money."),
        ],
    ),
    script(
        "Li Wei",
        "8613800000104",
        Some(2),
        &[
            Customer("Does the travel adapter work in Brazil?"),
            Agent("It does, type N is in the box."),
            Customer("Great, and the warranty?"),
        ],
    ),
    script(
        "Sofia Rossi",
        "393330000105",
        Some(0),
        &[
            Customer("The app logs me out every hour."),
            Agent("Which phone do you use, and which version of the app?"),
            SetPending,
        ],
    ),
    script(
        "Jonas Weber",
        "491510000106",
        Some(1),
        &[
            Customer("Guten Tag, wo bleibt meine Rechnung?"),
            Agent("Guten Tag Herr Weber, ich habe sie Ihnen gerade geschickt."),
            Customer("Ist da, danke."),
            Resolve,
        ],
    ),
    script("Fatima Zahra", "212600000107", None, &[Customer("Do you ship to Casablanca?")]),
    script(
        "Carlos Mendes",
        "5511900000108",
        Some(2),
        &[
            Customer("The courier says the parcel is at the depot, which depot?"),
            Agent("The one in Santo Amaro, Carlos. It opens at eight."),
            Customer("They cannot find it there."),
            Note("Called the depot, they are looking for it."),
        ],
    ),
    script(
        "Priya Nair",
        "919800000109",
        Some(0),
        &[
            Customer("How do I reset my password?"),
            Agent("On the sign-in page choose 'Forgotten', the link is good for an hour."),
            Customer("Works, thank you!"),
            Resolve,
        ],
    ),
    script("Tom Baker", "447700000110", None, &[Customer("Is anyone there?"), Customer("Hello??")]),
    script(
        "Yuki Tanaka",
        "819000000111",
        Some(1),
        &[
            Customer("I received a green lamp, I ordered a white one."),
            Triage("high", &["wrong item"]),
            Agent("Sorry for the mix-up! A white one leaves today, keep the green one."),
            Customer("Really? That is kind of you."),
            Resolve,
            Customer("The white one came, it is perfect."),
        ],
    ),
    script(
        "Nora Haddad",
        "961300000112",
        Some(2),
        &[Customer("Can I pay on delivery?"), Agent("In Beirut yes, up to 200 dollars.")],
    ),
    script(
        "Pierre Dubois",
        "33600000113",
        None,
        &[Customer("Bonjour, le code promo ETE26 ne marche pas."), Triage("low", &["promotion"])],
    ),
    script(
        "Grace Wanjiru",
        "254700000114",
        Some(0),
        &[
            Customer("The zip of the tent broke on the first night."),
            Agent("That should not happen. Could you send a picture of it?"),
            Customer("I will when I am home."),
            SetPending,
        ],
    ),
    script(
        "Elif Yilmaz",
        "905300000115",
        Some(1),
        &[
            Customer("How long does a bank transfer take?"),
            Agent("One working day, two over a weekend."),
            Resolve,
        ],
    ),
    script(
        "Samuel Getachew",
        "251911000116",
        None,
        &[Customer("ሰላም፣ ትዕዛዜ መቼ ይደርሳል?"), Triage("normal", &["amharic"])],
    ),
    script(
        "Anna Kowalska",
        "48500000117",
        Some(2),
        &[
            Customer("I would like to close my account."),
            Agent("I can do that for you. May I ask what made you decide so?"),
            Customer("I am moving abroad, nothing you did."),
            Agent("Then all the best for the move! The account closes tonight."),
            Resolve,
        ],
    ),
    script(
        "David Cohen",
        "972500000118",
        Some(0),
        &[
            Customer("The invoice shows the wrong tax number."),
            Triage("high", &["billing"]),
            Agent("Please write the right one here and I will correct it."),
            Customer("514-2231-77"),
        ],
    ),
    script(
        "Maria Silva",
        "351910000119",
        None,
        &[Customer("Two cups in the set are broken."), Customer("I have pictures if you need them.")],
    ),
    script(
        "Omar Farouk",
        "201000000120",
        Some(1),
        &[
            Customer("When do you restock the desert boots in 44?"),
            Agent("Next Tuesday. Shall I put a pair aside?"),
            Customer("Yes please"),
            Agent("Done, you will get a message when they are here."),
            Resolve,
        ],
    ),
    script(
        "Ingrid Berg",
        "4790000121",
        Some(2),
        &[
            Customer("I was promised a call back yesterday."),
            Triage("urgent", &["complaint"]),
            Agent("I apologise, Ingrid. I am calling you in five minutes."),
            Note("Promised by the evening shift, nobody wrote it down."),
        ],
    ),
    script(
        "Juan Perez",
        "525500000122",
        Some(0),
        &[
            Customer("Is the blender's jar dishwasher safe?"),
            Agent("Yes, on the upper rack."),
            Customer("Perfecto, gracias"),
            Resolve,
        ],
    ),
    script(
        "Chidi Eze",
        "234800000123",
        None,
        &[Customer("My voucher expired while your site was down!"), Triage("high", &["promotion"])],
    ),
    script(
        "Emma Wilson",
        "61400000124",
        Some(1),
        &[
            Customer("Can I add a gift note to order 40-1240?"),
            Agent("Of course. What shall it say?"),
            Customer("Happy birthday, old friend!"),
            Agent("It is on the card now."),
            Resolve,
        ],
    ),
    script(
        "Hassan Ali",
        "252610000125",
        Some(2),
        &[
            Customer("The tracking page has said 'in transit' for nine days."),
            Agent("I have opened an inquiry with the carrier, they answer within a day."),
            SetPending,
        ],
    ),
    script("Lucia Fernandez", "34600000126", None, &[Customer("Do you repair coffee grinders?")]),
    script(
        "Kofi Mensah",
        "233200000127",
        Some(0),
        &[
            Customer("I cannot find the size chart."),
            Agent("It is under the pictures; for you 44 EU is 9.5 UK."),
            Customer("Ah, there. Thanks."),
            Resolve,
        ],
    ),
    script(
        "Olga Ivanova",
        "37120000128",
        Some(1),
        &[
            Customer("Please send the return label again."),
            Agent("Sent just now, please look into the spam folder too."),
        ],
    ),
    script(
        "Ben Carter",
        "14150000129",
        None,
        &[Customer("Your chat says 'closed' but it is 10 am here."), Triage("low", &["feedback"])],
    ),
    script(
        "Zainab Bello",
        "234800000130",
        Some(2),
        &[
            Customer("I was charged for express but it came by donkey."),
            Agent("That made me smile, and you are right. I refund the difference."),
            Customer("Thank you, you are funny."),
            Resolve,
        ],
    ),
];
