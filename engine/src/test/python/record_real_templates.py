#!/usr/bin/env python3
"""Notes what Python's jinja2 renders of the chat templates of real models.

    record_real_templates.py FOLDER

FOLDER holds model directories; in each with a chat template (chat_template.jinja, or chat_template in
tokenizer_config.json) this writes rendered.json: one record for each conversation below, with the text or the error.
Needs Python 3.9 or newer and jinja2 3.1 (Debian: python3-jinja2).
"""

import json
import pathlib
import sys

import hf_jinja

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Weather of a city, with \"quotes\", <tags> & ümlauts.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "Name"},
                    "days": {"type": "integer", "default": 1, "minimum": 0.5},
                    "units": {"type": ["string", "null"], "enum": ["C", "F", None]},
                },
                "required": ["city"],
            },
        },
    },
    {"type": "function", "function": {"name": "now", "description": "", "parameters": {}}},
]
CALL = {
    "role": "assistant",
    "content": "",
    "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": {"city": "Köln", "days": 2}}}
    ],
}
TWO_CALLS = {
    "role": "assistant",
    "content": "Let me look.",
    "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{\"city\": \"Rome\"}"}},
        {"id": "c2", "type": "function", "function": {"name": "now", "arguments": {}}},
    ],
}
USER = {"role": "user", "content": "What is 12 + 34? Reply in 中文 😀."}
SYSTEM = {"role": "system", "content": "You are terse.\n  Really. "}
ANSWER = {"role": "assistant", "content": "It is 46."}
THOUGHT = {"role": "assistant", "content": "<think>\nTwelve and thirty-four.\n</think>\n\nIt is 46."}
REASONED = {"role": "assistant", "content": "It is 46.", "reasoning_content": "\nTwelve and\nthirty-four.\n\n"}
AGAIN = {"role": "user", "content": "  And doubled?\n"}
TOOL = {"role": "tool", "tool_call_id": "c1", "name": "get_weather", "content": "{\"celsius\": 21.5}"}
JINJA = {"role": "user", "content": "{{ 7*7 }} {% if x %} {# c #} 'q' \"d\" \\ {{"}

CONVERSATIONS = {
    "one turn": [USER],
    "system": [SYSTEM, USER],
    "several turns": [USER, ANSWER, AGAIN],
    "system and several turns": [SYSTEM, USER, ANSWER, AGAIN, ANSWER, USER],
    "thinking in the history": [USER, THOUGHT, AGAIN],
    "reasoning field in the history": [USER, REASONED, AGAIN],
    "ends with an answer": [USER, THOUGHT],
    "ends with a reasoned answer": [SYSTEM, USER, REASONED],
    "tool call": [USER, CALL, TOOL],
    "tool call answered": [SYSTEM, USER, CALL, TOOL, ANSWER, AGAIN],
    "two tool calls": [USER, TWO_CALLS, TOOL, TOOL, ANSWER],
    "two results then a question": [USER, TWO_CALLS, TOOL, TOOL, AGAIN],
    "tool result in a user turn": [USER, ANSWER, {"role": "user", "content": "<tool_response>\n5\n</tool_response>"}],
    "template syntax as text": [JINJA],
    "blank content": [{"role": "user", "content": ""}, ANSWER, {"role": "user", "content": " \n "}],
    "answer first": [ANSWER, USER],
    "two user turns": [USER, AGAIN],
    "late system": [USER, SYSTEM],
    "unknown role": [{"role": "critic", "content": "Hm."}, USER],
    "unclosed thought": [USER, {"role": "assistant", "content": "<think>\nnot done"}, AGAIN],
    "bare closing tag": [USER, {"role": "assistant", "content": "done</think>yes"}, AGAIN],
}
VARIANTS = {
    "": {},
    " without generation prompt": {"add_generation_prompt": False},
    " with tools": {"tools": TOOLS},
    " with thinking off": {"enable_thinking": False},
    " with thinking on and a date": {"enable_thinking": True, "date_string": "1 Jan 2025"},
}


def templates_of(directory):
    config_file = directory / "tokenizer_config.json"
    config = json.loads(config_file.read_text(encoding="utf-8")) if config_file.exists() else {}
    template_file = directory / "chat_template.jinja"
    template = template_file.read_text(encoding="utf-8") if template_file.exists() else config.get("chat_template")
    if isinstance(template, str):
        template = {"default": template}
    elif isinstance(template, list):
        template = {each["name"]: each["template"] for each in template}
    tokens = {}
    for name in ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"):
        token = config.get(name)
        token = token.get("content") if isinstance(token, dict) else token
        if isinstance(token, str):
            tokens[name] = token
    return template or {}, tokens


def main():
    env = hf_jinja.environment()
    for directory in sorted(pathlib.Path(sys.argv[1]).iterdir()):
        if not directory.is_dir():
            continue
        templates, tokens = templates_of(directory)
        if "default" not in templates:
            print(f"{directory.name}: no chat template")
            continue
        records = []
        for name, messages in CONVERSATIONS.items():
            for variant, options in VARIANTS.items():
                options = {"add_generation_prompt": True, "tools": None, "documents": None, **options}
                use = "tool_use" if options["tools"] and "tool_use" in templates else "default"
                kind, text = hf_jinja.outcome(env, templates[use], {**tokens, **options, "messages": messages})
                records.append({"name": name + variant, "messages": messages, "options": options, kind: text})
        (directory / "rendered.json").write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")
        errors = sum("error" in record for record in records)
        print(f"{directory.name}: {len(records)} conversations, {errors} of them refused by the template")


if __name__ == "__main__":
    main()
