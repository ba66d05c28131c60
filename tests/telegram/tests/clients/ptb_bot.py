"""A bot on python-telegram-bot, to judge the server: it does what the people ask of it and prints what it saw, one JSON object a
line.

Called with the server's address, the bot's token, and `polling` or the port for a webhook.
"""

import io
import json
import logging
import sys

from telegram import (
    Bot,
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    MessageEntity,
    ReactionTypeEmoji,
    ReplyParameters,
    Update,
)
from telegram.error import TelegramError
from telegram.ext import (
    Application,
    CallbackQueryHandler,
    ChatMemberHandler,
    CommandHandler,
    MessageHandler,
    MessageReactionHandler,
    filters,
)

URL, TOKEN, MODE = sys.argv[1:4]
SECRET = "a-secret_of-42"
logging.basicConfig(level=logging.WARNING)


def saw(step, **what):
    print(json.dumps({"step": step, **what}, ensure_ascii=False), flush=True)


async def error_of(call):
    """The name and words of the error that a call ends with."""
    try:
        await call
    except TelegramError as error:
        return {
            "error": type(error).__name__,
            "words": error.message,
            "retry_after": getattr(error, "_retry_after", None) and error._retry_after.total_seconds(),
            "migrate_to": getattr(error, "new_chat_id", None),
        }
    return {"error": None}


async def ask(update, context):
    message = update.message
    sent = await message.reply_text(
        "Bold 你好 code",
        entities=[MessageEntity("bold", 0, 4), MessageEntity("code", 8, 4)],
        reply_markup=InlineKeyboardMarkup([[InlineKeyboardButton("Why?", callback_data="why")]]),
        reply_parameters=ReplyParameters(message.message_id),
    )
    edited = await sent.edit_text("shorter", reply_markup=sent.reply_markup)
    again = await error_of(edited.edit_text("shorter", reply_markup=sent.reply_markup))
    draft = await context.bot.send_message_draft(message.chat_id, 3, "so far")
    await message.reply_chat_action("typing")
    saw(
        "command",
        arguments=context.args,
        chat_type=message.chat.type,
        topic=message.message_thread_id if message.is_topic_message else None,
        sent=sent.message_id,
        replied=sent.reply_to_message.message_id,
        entities=[entity.type for entity in sent.entities],
        edited=edited.text,
        again=again,
        draft=draft,
    )


async def pressed(update, context):
    query = update.callback_query
    await query.answer("Because", show_alert=True)
    again = await error_of(query.answer("Again"))
    saw("pressed", data=query.data, under=query.message.message_id, again=again)


async def document(update, context):
    file = await update.message.document.get_file()
    content = bytes(await file.download_as_bytearray())
    await update.message.reply_document(io.BytesIO(content[::-1]), filename="back.txt", caption="back")
    group = await update.message.reply_media_group(
        [InputMediaPhoto(b"\x89PNG1", filename="1.png"), InputMediaPhoto(b"\x89PNG2", filename="2.png", caption="two")]
    )
    long = await error_of(update.message.reply_document(b"x", filename="x.txt", caption="y" * 1025))
    saw(
        "document",
        name=update.message.document.file_name,
        caption=update.message.caption,
        content=content.decode(),
        album=len(group),
        long=long,
    )


async def reaction(update, context):
    event = update.message_reaction
    await context.bot.set_message_reaction(event.chat.id, event.message_id, ReactionTypeEmoji("👌"))
    saw("reaction", old=[r.emoji for r in event.old_reaction], new=[r.emoji for r in event.new_reaction])


async def standing(update, context):
    event = update.my_chat_member
    saw("standing", old=event.old_chat_member.status, new=event.new_chat_member.status)


async def errors(update, context):
    blocked, migrated, retry = context.args
    bot = context.bot
    saw(
        "errors",
        blocked=await error_of(bot.send_message(blocked, "hi")),
        migrated=await error_of(bot.send_message(migrated, "hi")),
        missing=await error_of(bot.send_message(1, "hi")),
        retry=await error_of(bot.send_message(retry, "hi")),
        server=await error_of(bot.send_message(retry, "hi")),
        token=await error_of(Bot("1:wrong", base_url=f"{URL}/bot").get_me()),
        unknown=await error_of(bot.do_api_request("sendNobodyKnowsWhat", {"chat_id": 1})),
    )


async def conflict(update, context):
    other = Bot(TOKEN, base_url=f"{URL}/bot")
    saw("conflict", error=await error_of(other.get_updates(timeout=30, read_timeout=40)))


async def end(update, context):
    saw("end")
    context.application.stop_running()


async def other(update, context):
    message = update.effective_message
    saw("other", kind="edited" if update.edited_message else "new", text=message.text)


async def login(application):
    bot = application.bot
    await bot.set_my_commands([BotCommand("ask", "Ask something")])
    await bot.set_my_commands([BotCommand("ask", "Demander")], language_code="fr")
    read = await bot.get_my_commands(language_code="fr")
    saw(
        "login",
        id=bot.id,
        username=bot.username,
        menu=[[command.command, command.description] for command in read],
    )


application = (
    Application.builder().token(TOKEN).base_url(f"{URL}/bot").base_file_url(f"{URL}/file/bot").post_init(login).build()
)
application.add_handler(CommandHandler("ask", ask))
application.add_handler(CommandHandler("errors", errors))
application.add_handler(CommandHandler("conflict", conflict, block=False))
application.add_handler(CommandHandler("end", end))
application.add_handler(CallbackQueryHandler(pressed))
application.add_handler(MessageHandler(filters.Document.ALL, document))
application.add_handler(MessageReactionHandler(reaction))
application.add_handler(ChatMemberHandler(standing, ChatMemberHandler.MY_CHAT_MEMBER))
application.add_handler(MessageHandler(filters.ALL, other))

if MODE == "polling":
    application.run_polling(allowed_updates=Update.ALL_TYPES, stop_signals=None, timeout=20)
else:
    application.run_webhook(
        listen="127.0.0.1",
        port=int(MODE),
        url_path="hook",
        webhook_url=f"http://127.0.0.1:{MODE}/hook",
        secret_token=SECRET,
        allowed_updates=Update.ALL_TYPES,
        stop_signals=None,
    )
