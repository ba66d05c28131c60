"""A bot on aiogram, to judge the server: it does what the people ask of it and prints what it saw, one JSON object a line.

Called with the server's address and the bot's token.
"""

import asyncio
import io
import json
import sys

from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import Command
from aiogram.methods import SendMessage
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllGroupChats,
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputRichBlockParagraph,
    InputRichBlockTable,
    InputRichMessage,
    MessageEntity,
    ReactionTypeEmoji,
    ReplyParameters,
    RichBlockTableCell,
    RichTextBold,
)

URL, TOKEN = sys.argv[1:3]


def saw(step, **what):
    print(json.dumps({"step": step, **what}, ensure_ascii=False), flush=True)


def bot_with(token):
    return Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(URL)))


bot = bot_with(TOKEN)
dispatcher = Dispatcher()


async def error_of(call):
    """The name and words of the error that a call ends with."""
    try:
        await call
    except Exception as error:  # noqa: BLE001 - which one it is, is the question
        return {
            "error": type(error).__name__,
            "words": getattr(error, "message", str(error)),
            "retry_after": getattr(error, "retry_after", None),
            "migrate_to": getattr(error, "migrate_to_chat_id", None),
        }
    return {"error": None}


@dispatcher.message(Command("ask"))
async def ask(message, command):
    keyboard = InlineKeyboardMarkup(
        inline_keyboard=[
            [
                InlineKeyboardButton(text="👍", callback_data="good"),
                InlineKeyboardButton(text="Source", url="https://example.org/"),
            ]
        ]
    )
    sent = await message.answer(
        "Bold 你好 code",
        entities=[
            MessageEntity(type="bold", offset=0, length=4),
            MessageEntity(type="code", offset=8, length=4),
        ],
        reply_markup=keyboard,
        reply_parameters=ReplyParameters(message_id=message.message_id),
    )
    saw(
        "command",
        arguments=command.args,
        mention=command.mention,
        language=message.from_user.language_code,
        chat_type=message.chat.type,
        topic=message.message_thread_id if message.is_topic_message else None,
        sent=sent.message_id,
        replied=sent.reply_to_message.message_id,
        entities=[entity.type for entity in sent.entities],
    )


@dispatcher.message(Command("stream"))
async def stream(message):
    sent = await message.answer("one")
    await sent.edit_text("one two")
    again = await error_of(sent.edit_text("one two"))
    html = await message.answer(
        '<b>bold <i>both</i></b> &lt;tag&gt; <pre><code class="language-rust">fn main() {}</code></pre>',
        parse_mode="HTML",
    )
    markdown = await message.answer(r"*bold* _it_ ||hidden|| [link](https://example.org/a) 1\.", parse_mode="MarkdownV2")
    broken = await error_of(message.answer("<b>open", parse_mode="HTML"))
    draft = await bot.send_message_draft(chat_id=message.chat.id, draft_id=7, text="so far")
    await bot.send_chat_action(message.chat.id, "typing")
    saw(
        "stream",
        again=again,
        html=[html.text, [[e.type, e.offset, e.length, e.language] for e in html.entities]],
        markdown=[markdown.text, [[e.type, e.offset, e.length, e.url] for e in markdown.entities]],
        broken=broken,
        draft=draft,
    )


@dispatcher.message(Command("rich"))
async def rich(message):
    source = "# Title\n\n| a | b |\n|---|--:|\n| 1 | **2** |\n\n1. one\n   - inner\n\n```rust\nfn main() {}\n```"
    sent = await message.answer_rich(InputRichMessage(markdown=source))
    table = sent.rich_message.blocks[1]
    blocks = [
        InputRichBlockParagraph(text=["plain ", RichTextBold(text="bold")]),
        InputRichBlockTable(cells=[[RichBlockTableCell(text="c", align="left", valign="top")]]),
    ]
    again = await bot.send_rich_message(message.chat.id, InputRichMessage(blocks=blocks))
    draft = await bot.send_rich_message_draft(message.chat.id, 5, InputRichMessage(markdown="so *far*"))
    empty = await error_of(bot.send_rich_message(message.chat.id, InputRichMessage(markdown=" ")))
    saw(
        "rich",
        kinds=[block.type for block in sent.rich_message.blocks],
        bold=table.cells[1][1].text.text,
        align=table.cells[1][1].align,
        label=sent.rich_message.blocks[2].items[0].label,
        again=[block.type for block in again.rich_message.blocks],
        draft=draft,
        empty=empty["words"],
    )


@dispatcher.callback_query()
async def pressed(query):
    await query.answer("Thank you", show_alert=False)
    again = await error_of(query.answer("Again"))
    await query.message.edit_reply_markup(reply_markup=None)
    saw("pressed", data=query.data, by=query.from_user.id, under=query.message.message_id, again=again)


@dispatcher.message(F.document)
async def document(message):
    file = await bot.get_file(message.document.file_id)
    bytes_ = io.BytesIO()
    await bot.download_file(file.file_path, bytes_)
    back = await message.answer_document(
        BufferedInputFile(bytes_.getvalue()[::-1], filename="back.txt"), caption="back", caption_entities=[]
    )
    again = await message.answer_document(back.document.file_id)
    album = await bot.send_media_group(
        message.chat.id,
        [
            InputMediaDocument(media=BufferedInputFile(b"first", "1.txt"), caption="album"),
            InputMediaDocument(media=BufferedInputFile(b"second", "2.txt")),
        ],
    )
    saw(
        "document",
        name=message.document.file_name,
        caption=message.caption,
        content=bytes_.getvalue().decode(),
        again=again.document.file_id == back.document.file_id,
        album=len({part.media_group_id for part in album}),
    )


@dispatcher.message(F.voice)
async def voice(message):
    bytes_ = await bot.download(message.voice)
    await message.answer_photo(BufferedInputFile(bytes_.read(), filename="p.png"), caption="a photo")
    saw("voice", mime=message.voice.mime_type, duration=message.voice.duration)


@dispatcher.message_reaction()
async def reaction(event):
    await bot.set_message_reaction(event.chat.id, event.message_id, [ReactionTypeEmoji(emoji="🔥")])
    bad = await error_of(bot.set_message_reaction(event.chat.id, event.message_id, [ReactionTypeEmoji(emoji="x")]))
    saw(
        "reaction",
        old=[r.emoji for r in event.old_reaction],
        new=[r.emoji for r in event.new_reaction],
        by=event.user.id,
        bad=bad,
    )


@dispatcher.edited_message()
async def edited(message):
    saw("edited", message=message.message_id, text=message.text)


@dispatcher.channel_post()
async def posted(message):
    sent = await message.answer("posted too")
    saw("posted", text=message.text, channel=message.sender_chat.id, sent_as=sent.sender_chat.id)


@dispatcher.my_chat_member()
async def standing(event):
    saw("standing", old=event.old_chat_member.status, new=event.new_chat_member.status, chat=event.chat.id)


@dispatcher.message(Command("errors"))
async def errors(message, command):
    blocked, migrated, retry, general = command.args.split()
    saw(
        "errors",
        blocked=await error_of(bot.send_message(blocked, "hi")),
        migrated=await error_of(bot.send_message(migrated, "hi")),
        missing=await error_of(bot.send_message(1, "hi")),
        long=await error_of(bot.send_message(message.chat.id, "x" * 4097)),
        retry=await error_of(bot.send_message(retry, "hi")),
        server=await error_of(bot.send_message(retry, "hi")),
        general=await error_of(bot.send_message(general, "hi", message_thread_id=1)),
        token=await error_of(bot_with("1:wrong").get_me()),
        unknown=await error_of(bot(UnknownMethod(chat_id=1, text="x"))),
        data=await error_of(
            bot.send_message(
                message.chat.id,
                "hi",
                reply_markup=InlineKeyboardMarkup(
                    inline_keyboard=[[InlineKeyboardButton(text="x", callback_data="d" * 65)]]
                ),
            )
        ),
    )


class UnknownMethod(SendMessage):
    __api_method__ = "sendNobodyKnowsWhat"


@dispatcher.message(Command("conflict"))
async def conflict(message):
    first = asyncio.create_task(error_of(bot_with(TOKEN).get_updates(timeout=30)))
    saw("conflict", error=await first)


@dispatcher.message(Command("end"))
async def end(message):
    saw("end")
    await dispatcher.stop_polling()


@dispatcher.message()
async def other(message):
    saw(
        "other",
        text=message.text,
        topic=message.message_thread_id if message.is_topic_message else None,
        forwarded=message.forward_origin.type if message.forward_origin else None,
        migrated=message.migrate_to_chat_id,
        joined=[user.id for user in message.new_chat_members or []],
        quote=message.quote.text if message.quote else None,
    )


async def main():
    me = await bot.get_me()
    await bot.delete_webhook(drop_pending_updates=False)
    commands = [BotCommand(command="ask", description="Ask something")]
    await bot.set_my_commands(commands)
    german = [BotCommand(command="ask", description="Etwas fragen")]
    await bot.set_my_commands(german, language_code="de")
    await bot.set_my_commands([], scope=BotCommandScopeAllGroupChats())
    read = await bot.get_my_commands(language_code="de")
    await bot.set_my_description("What it is for")
    saw(
        "login",
        id=me.id,
        username=me.username,
        reads_all=me.can_read_all_group_messages,
        menu=[[command.command, command.description] for command in read],
        description=(await bot.get_my_description()).description,
        webhook=(await bot.get_webhook_info()).url,
    )
    await dispatcher.start_polling(
        bot,
        handle_signals=False,
        polling_timeout=20,
        allowed_updates=[
            "message",
            "edited_message",
            "channel_post",
            "callback_query",
            "message_reaction",
            "my_chat_member",
        ],
    )


asyncio.run(main())
