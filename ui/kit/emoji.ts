/** The emoji that people at a support desk use most, by the short names that chats have for them. */
const NAMES = `
smile 😄 grin 😁 slight_smile 🙂 blush 😊 wink 😉 joy 😂 heart_eyes 😍 thinking 🤔 neutral 😐 relieved 😌 sweat_smile 😅
hugs 🤗 sunglasses 😎 star_struck 🤩 pray 🙏 thumbsup 👍 thumbsdown 👎 ok_hand 👌 clap 👏 wave 👋 raised_hands 🙌
handshake 🤝 muscle 💪 point_up ☝️ point_right 👉 point_down 👇 eyes 👀 heart ❤️ green_heart 💚 blue_heart 💙 broken_heart 💔
tada 🎉 sparkles ✨ star ⭐ fire 🔥 rocket 🚀 gift 🎁 bulb 💡 check ✅ cross ❌ warning ⚠️ question ❓ exclamation ❗ info ℹ️
hourglass ⏳ clock 🕒 calendar 📅 package 📦 truck 🚚 phone 📞 mobile 📱 email 📧 computer 💻 gear ⚙️ wrench 🔧 lock 🔒
key 🔑 link 🔗 paperclip 📎 memo 📝 receipt 🧾 money 💰 card 💳 chart 📈 cart 🛒 search 🔍 bug 🐛 sad 😢 cry 😭 angry 😠
confused 😕 worried 😟 scream 😱 sleeping 😴 sick 🤒 sun ☀️ rain 🌧️ coffee ☕ cake 🍰 flower 🌸
`;

export type Emoji = { name: string; sign: string };

const words = NAMES.trim().split(/\s+/);
export const EMOJI: Emoji[] = words.flatMap((name, index) => (index % 2 === 0 ? [{ name, sign: words[index + 1]! }] : []));
