"""Template cases written for the tests of the Java Jinja engine; record_jinja.py notes what jinja2 makes of them.

A case is (name, template, variables). STRICT cases are those where the Java engine refuses, when it compiles a
template, what jinja2 only discovers while rendering or supports in full; the last field is a part of its message.
"""

CHAT = {
    "messages": [
        {"role": "system", "content": "  Be brief.\n"},
        {"role": "user", "content": "What is 2 + 2?"},
        {"role": "assistant", "content": "<think>\nEasy.\n</think>\n\nIt is 4."},
        {"role": "user", "content": "{{ 7 * 7 }} {% set x = 1 %} {# no #}"},
    ],
    "bos_token": "<s>",
    "eos_token": "</s>",
    "add_generation_prompt": True,
}

TOOLS = {
    "messages": [
        {"role": "user", "content": "Weather in Köln?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {
                    "type": "function",
                    "function": {"name": "weather", "arguments": {"city": "Köln", "days": 2, "exact": True, "unit": None}},
                },
                {"type": "function", "function": {"name": "clock", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "content": "12.5 °C"},
        {"role": "tool", "content": "09:05"},
        {"role": "assistant", "content": "It is 12.5 °C.", "reasoning_content": "\nThe tool says so.\n"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "weather",
                "description": "Tells the \"weather\" <now> & 'later'.",
                "parameters": {
                    "type": "object",
                    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "default": 1.0}},
                    "required": ["city"],
                },
            },
        }
    ],
    "add_generation_prompt": True,
}

DATA = {
    "name": "Ada Löve",
    "text": "  one two  three \n",
    "numbers": [5, 3, 9, 1],
    "floats": [0.1, 1.0, 1e20, 1e-7, 123456.789, 1e16, 1e15, 2.5e-5, -0.0, 3.0e300],
    "words": ["pear", "Apple", "fig", "apple", "Zoë"],
    "items": [{"n": 1, "kind": "a"}, {"n": 2, "kind": "b"}, {"n": 3, "kind": "a"}],
    "map": {"b": 2, "a": 1, "C": None, "nested": {"k": [1, {"z": True}]}},
    "empty": [],
    "none": None,
    "yes": True,
    "no": False,
    "emoji": "a😀b👩‍👧c",
    "quote": "it's \"fine\"\\ \t\n\u0007\u200b",
    "big": 123456789012345678901234567890,
    "html": "<b>&</b>",
}

CASES = []


def case(name, template, variables=None):
    CASES.append((name, template, {} if variables is None else variables, None))


def strict(name, template, part, variables=None):
    CASES.append((name, template, {} if variables is None else variables, part))


# White space ---------------------------------------------------------------------------------------------------------
case("plain text", "Hello, world. {not a tag} } %} #}")
case("trailing newline dropped once", "a\n\n")
case("carriage returns become newlines", "a\r\nb\rc{% if true %}\r\nd{% endif %}\r\n")
case("trim block newline", "a\n{% if true %}\nb\n{% endif %}\nc")
case("variable keeps newline", "{{ 1 }}\n{{ 2 }}\n")
case("lstrip indented block", "  {% if true %}\n    x\n  {% endif %}\ny")
case("lstrip needs blank line start", "a  {% if true %}b{% endif %}  c\n\t{% if true %} d{% endif %}")
case("lstrip not for variables", "   {{ 1 }}")
case("lstrip after a variable on the line", "{{ 1 }}  {% if true %}x{% endif %}")
case("plus keeps left blanks", "x\n   {%+ if true %}y{% endif %}")
case("plus keeps newline", "{% if true +%}\ny\n{% endif +%}\nz")
case("minus strips both", "a \n {%- if true -%} \n b \n {%- endif -%} \n c")
case("minus in variables", "a \n {{- 1 -}} \n b {{- 2 }} c")
case("minus only right", "a {% if true -%}   b   {%- endif %} c")
case("minus strips unicode space", "a\u00a0\u2003{{- 1 }}")
case("comment trimmed", "a\n  {# note #}\nb")
case("comment with minus", "a {#- note -#} b")
case("comment over lines", "a{# one\ntwo {{ x }} {% if %} #}b")
case("comment empty", "a{##}b{#-#}c")
case("raw block", "{% raw %}{{ x }} {% if %}{# c #}{% endraw %}!")
case("raw block trimmed", "a\n  {%- raw -%}  \n {{ x }} \n {%- endraw -%} \n b")
case("raw block newline", "{% raw %}\n  {{ a }}\n  {% endraw %}\nb")
case("two blocks on a line", "{% if true %}  {% if true %}\nx{% endif %}{% endif %}")
case("block after newline only comment", "{# a #}\n{# b #}\n   {% if true %}x{% endif %}")
case("newline inside a tag", "{{\n 1 +\n 2\n}}")
case("end tag in string", "{{ '%}' ~ \"}}\" }}{% if '%}' %}y{% endif %}")
case("braces in expression", "{{ {'a':{'b':1}}.a.b }}{{ {'a': {}} }}")
case("for with indented body", "{% for i in [1, 2] %}\n    - {{ i }}\n{% endfor %}\nend")
case("generation tag", "a{% generation %} b {{ 1 }}{% endgeneration %}c")
case("generation scope", "{% set x = 1 %}{% generation %}{% set x = 2 %}{{ x }}{% endgeneration %}{{ x }}")

# Literals and printing -----------------------------------------------------------------------------------------------
case("constants print", "{{ true }} {{ True }} {{ false }} {{ none }} {{ None }}")
case("integers", "{{ 0 }} {{ 1_000 }} {{ 0x1F }} {{ 0b101 }} {{ 0o17 }} {{ -5 }} {{ +3 }}")
case("floats", "{{ 1.0 }} {{ 1e3 }} {{ 1.5e-3 }} {{ 1_0.2_5 }}")
case("float without leading zero", "{{ .5 }}")
case("floats print", "{{ floats }} {% for f in floats %}{{ f }} {% endfor %}", DATA)
case("division prints float", "{{ 4 / 2 }} {{ 1 / 3 }} {{ 2 / 3 }} {{ 10 / 4 }} {{ 1e22 / 3 }}")
case("big integer", "{{ big }} {{ big|tojson }} {{ big > 5 }}", DATA)
case("strings", "{{ 'a' \"b\" 'c' }} {{ 'it\\'s' }} {{ \"q\\\"q\" }} {{ 'a\\nb\\tc\\\\d' }}")
case("string escapes", "{{ '\\x41\\u00e9\\U0001F600\\101\\q' }}")
case("string newline inside", "{{ 'a\nb' }}")
case("lists print", "{{ [1, 'a', none, true, 2.0, [], {}] }} {{ [] }}")
case("tuples print", "{{ (1, 'a') }} {{ (1,) }} {{ () }} {{ 1, 2 }}")
case("dicts print", "{{ {'a': 1, 2: 'b', none: [true]} }} {{ {} }}")
case("repr of strings", "{{ [quote] }} {{ [\"it's\"] }} {{ ['say \"x\"'] }} {{ ['é😀'] }}", DATA)
case("nested data prints", "{{ map }} {{ items }}", DATA)
case("undefined prints nothing", "[{{ missing }}] [{{ map.missing }}] [{{ numbers[99] }}]", DATA)
case("range prints", "{{ range(3) }} {{ range(1, 9, 3) }} {{ range(3)|list }}")
case("dict views print", "{{ map.keys() }} {{ {'a': 1}.items() }} {{ {'a': 1}.values() }}", DATA)
case("tuple trailing comma", "{% set t = 1, %}{{ t }}{% set u = (1, 2,) %}{{ u }}")

# Operators -----------------------------------------------------------------------------------------------------------
case("arithmetic", "{{ 7 + 2 * 3 }} {{ (7 + 2) * 3 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 % -3 }}")
case("float arithmetic", "{{ 7.5 // 2 }} {{ -7.5 // 2 }} {{ 7.5 % 2 }} {{ -7.5 % 2 }} {{ 1 + 1.0 }} {{ 0.1 + 0.2 }}")
case("power", "{{ 2 ** 10 }} {{ 2 ** 3 ** 2 }} {{ 2 ** -1 }} {{ 2.0 ** 2 }} {{ -2 ** 2 }}")
case("booleans are numbers", "{{ true + true }} {{ 1 == true }} {{ 0 == false }} {{ true * 3 }} {{ 1 == 1.0 }}")
case("unary binds tighter than filter", "{{ -1|abs }} {{ -5 + 2|abs }} {{ +3|string }}")
case("string addition", "{{ 'a' + 'b' }} {{ 'ab' * 3 }} {{ 2 * 'x' }} {{ 'x' * 0 }}|")
case("list addition", "{{ [1] + [2, 3] }} {{ [0] * 3 }} {{ (1,) + (2,) }}")
case("concatenation", "{{ 1 ~ 'a' ~ none ~ true ~ 2.0 ~ missing }}")
case("concatenation binds tighter than plus", "{{ 'a' + 1 ~ 2 }}")
case("comparison", "{{ 1 < 2 }} {{ 2 <= 2 }} {{ 3 > 4 }} {{ 3 >= 4 }} {{ 1 != 2 }} {{ 'a' < 'b' }} {{ 'Z' < 'a' }}")
case("comparison chain", "{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 1 == 1.0 == true }} {{ 5 > 3 in [3] }}")
case("list comparison", "{{ [1, 2] < [1, 3] }} {{ [1] == [1.0] }} {{ (1,) == [1] }} {{ {'a': 1} == {'a': 1.0} }}")
case("membership", "{{ 'b' in 'abc' }} {{ 2 in [1, 2] }} {{ 'a' in {'a': 1} }} {{ 'x' not in 'abc' }} {{ not 'x' in 'abc' }}")
case("membership in tuple and view", "{{ 1 in (1, 2) }} {{ 'a' in {'a': 1}.keys() }} {{ 1 in {'a': 1}.values() }} {{ '' in 'a' }}")
case("and or return operands", "{{ 0 or 'x' }} {{ '' and 1 }}| {{ 1 and 'y' }} {{ none or false }} {{ 'a' or missing.x }}")
case("not binds looser than comparison", "{{ not 1 == 2 }} {{ not not 1 }} {{ not missing is defined }}")
case("precedence of and or", "{{ true or false and false }} {{ (true or false) and false }} {{ not true or true }}")
case("is not", "{{ 1 is not none }} {{ none is not none }} {{ x is not defined }}")
case("inline if", "{{ 'a' if 1 else 'b' }} {{ 'a' if 0 else 'b' }} {{ 'a' if 0 }}| {{ 1 if 0 else 2 if 0 else 3 }}")
case("inline if chained", "{{ 'x' if false else 'y' if true else 'z' }} {{ ('a' if true) ~ 'b' }}")
case("truth", "{% for v in [0, 1, '', 'a', [], [0], {}, none, 0.0, (), missing] %}{{ 'T' if v else 'F' }}{% endfor %}")
case("undefined equality", "{{ missing == other }} {{ missing != other }} {{ missing == '' }} {{ missing == none }}")
case("percent format", "{{ '%s-%d-%5.2f|%-4s|%03d|%x' % ('a', 3, 2.5, 'b', 7, 255) }} {{ '%s' % 5 }} {{ '%%' % () }}")
case("percent format more", "{{ '%r %5s %+d %s' % ('q', 'ab', 4, [1]) }} {{ '%(a)s' % {'a': 1} }} {{ '%.3s|' % 'abcdef' }}")

# Access --------------------------------------------------------------------------------------------------------------
case("attribute and item", "{{ map.a }} {{ map['b'] }} {{ map.nested.k[1].z }} {{ map['nested']['k'][0] }}", DATA)
case("numeric attribute", "{{ numbers.0 }} {{ numbers.1 }} {{ items.0.n }}", DATA)
case("negative index", "{{ numbers[-1] }} {{ name[-1] }} {{ [1, 2][-3] }}|", DATA)
case("method wins over key", "{{ {'items': 5, 'x': 1}.items() }} {{ {'items': 5}['items'] }} {{ {'get': 1}.x }}|")
case("method as item", "{{ {'a': 1}['keys']() }} {{ 'ab'['upper']() }}")
case("slices", "{{ numbers[1:] }} {{ numbers[:2] }} {{ numbers[1:3] }} {{ numbers[-2:] }} {{ numbers[:-1] }} {{ numbers[:] }}", DATA)
case("slices with step", "{{ numbers[::-1] }} {{ numbers[::2] }} {{ numbers[3:0:-1] }} {{ numbers[-1::-2] }} {{ numbers[10:] }}", DATA)
case("string slices", "{{ name[1:3] }} {{ name[::-1] }} {{ name[:100] }} {{ name[5:2] }}|", DATA)
case("code points", "{{ emoji|length }} {{ emoji[1] }} {{ emoji[:2] }} {{ emoji[::-1] }} {{ emoji|list|length }} {{ emoji.find('b') }}", DATA)
case("slice variables", "{% set n = 2 %}{{ numbers[n:] }} {{ numbers[:n - 1] }} {{ numbers[none:n] }}", DATA)
case("attribute of none is undefined", "[{{ none.x }}] {{ none.x is defined }} {{ 5 .foo is defined }}", DATA)
case("item of missing key in test", "{{ map.zzz is defined }} {{ map['zzz'] is none }} {{ map.C is none }}", DATA)
case("dict get", "{{ map.get('a') }} {{ map.get('x') }} {{ map.get('x', 5) }} {{ map.get('C', 5) }}", DATA)
case("dict methods", "{{ map.keys()|list }} {{ map.values()|list|length }} {% for k, v in {'x': 1}.items() %}{{ k }}={{ v }}{% endfor %} {{ {'a': 1}.copy() }}", DATA)
case("list methods", "{{ numbers.index(9) }} {{ [1, 2, 1].count(1) }} {{ (1, 2).index(2) }}", DATA)
case("underscore attribute", "[{{ name.__class__ }}] {{ map.__len__ is defined }}", DATA)

# Statements ----------------------------------------------------------------------------------------------------------
case("if elif else", "{% for i in range(4) %}{% if i == 0 %}a{% elif i == 1 %}b{% elif i == 2 %}c{% else %}d{% endif %}{% endfor %}")
case("set", "{% set x = 1 %}{{ x }}{% set x = x + 1 %}{{ x }}")
case("set tuple", "{% set a, b = 1, 'z' %}{{ a }}{{ b }}{% set (c, d) = [3, 4] %}{{ c }}{{ d }}")
case("set tuple from string", "{% set a, b = 'xy' %}{{ b }}{{ a }}")
case("set block", "{% set x %}a{{ 1 + 1 }}b{% endset %}[{{ x }}] {{ x|length }}")
case("set block with filters", "{% set x | upper | replace('A', 'o') %}abc{% endset %}{{ x }}")
case("set block scope", "{% set y = 1 %}{% set x %}{% set y = 2 %}{{ y }}{% endset %}{{ x }}{{ y }}")
case("set in if leaks", "{% if true %}{% set x = 5 %}{% endif %}{{ x }}")
case("set in for does not leak", "{% set x = 0 %}{% for i in [1, 2, 3] %}{% set x = x + i %}{{ x }}{% endfor %}|{{ x }}")
case("namespace", "{% set ns = namespace(n=0, found=false) %}{% for i in [1, 2, 3] %}{% set ns.n = ns.n + i %}{% if i == 2 %}{% set ns.found = true %}{% endif %}{% endfor %}{{ ns.n }} {{ ns.found }}")
case("namespace argument precedence", "{% set ns = namespace(last=numbers|length - 1, flag=not true) %}{{ ns.last }} {{ ns.flag }}", DATA)
case("namespace from dict", "{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns.b }}{{ ns.c is defined }}{{ ns['a'] }}")
case("for unpack", "{% for a, b in [(1, 2), (3, 4)] %}{{ a }}-{{ b }};{% endfor %}{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}")
case("for over dict", "{% for k in map %}{{ k }},{% endfor %}{% for k, v in map|dictsort %}{{ k }}:{{ v }};{% endfor %}", DATA)
case("for over string", "{% for c in 'añ😀' %}<{{ c }}>{% endfor %}")
case("for else", "{% for i in [] %}x{% else %}none{% endfor %}{% for i in [1] %}x{% else %}none{% endfor %}")
case("for over undefined", "{% for i in missing %}x{% else %}nothing{% endfor %}")
case("for if", "{% for i in range(6) if i % 2 == 0 %}{{ loop.index }}/{{ loop.length }}:{{ i }} {% endfor %}")
case("for if else", "{% for i in [1, 3] if i > 5 %}x{% else %}none{% endfor %}")
case("loop variables", "{% for i in 'abc' %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }} {% endfor %}")
case("loop previtem nextitem", "{% for i in [1, 2, 3] %}[{{ loop.previtem }}<{{ i }}>{{ loop.nextitem }}]{{ loop.previtem is defined }}{{ loop.nextitem is defined }}{% endfor %}")
case("loop cycle changed", "{% for i in [1, 1, 2] %}{{ loop.cycle('odd', 'even') }}{{ loop.changed(i) }} {% endfor %}")
case("nested loops", "{% for i in [1, 2] %}{% for j in [1, 2] %}{{ loop.index }}{% endfor %}{{ loop.index }} {% endfor %}")
case("outer loop saved", "{% for i in [1, 2] %}{% set outer = loop %}{% for j in [1, 2] %}{{ outer.index }}{{ loop.index }} {% endfor %}{% endfor %}")
case("break", "{% for i in range(9) %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}|")
case("continue", "{% for i in range(5) %}{% if i is odd %}{% continue %}{% endif %}{{ i }}{% endfor %}|")
case("break inner only", "{% for i in [1, 2] %}{% for j in [1, 2, 3] %}{% if j == 2 %}{% break %}{% endif %}{{ i }}{{ j }} {% endfor %}{% endfor %}")
case("break keeps else away", "{% for i in [1] %}{% break %}{% else %}x{% endfor %}y")
case("continue keeps else", "{% for i in [1, 2] %}{% continue %}{% else %}x{% endfor %}y")
case("number keys", "{{ {1: 'a', 2.0: 'b'}[1.0] }} {{ {1: 'a', 2.0: 'b'}[2] }} {{ {0: 'z'}[false] }} {{ true in {1: 2} }} {{ {1: 2}.get(true) }}")
case("loop variable gone after", "{% for i in [1, 2] %}{% endfor %}[{{ i }}]")
case("loop shadows outer", "{% set i = 'o' %}{% for i in [1] %}{{ i }}{% endfor %}{{ i }}")
case("set before use in loop", "{% for i in [1, 2] %}{% if loop.first %}{% set y = i %}{% endif %}[{{ y }}]{% endfor %}")
case("macro", "{% macro m(a, b=2, c='x') %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, c=3) }}{{ m(a=4, b=5) }}{{ m() }}")
case("macro default from argument", "{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}")
case("macro sees outer names", "{% set x = 1 %}{% macro m() %}{{ x }}{{ late }}{% endmacro %}{% set late = 2 %}{{ m() }}")
case("macro does not leak", "{% macro m() %}{% set q = 1 %}{{ q }}{% endmacro %}{{ m() }}[{{ q }}]")
case("macro result is string", "{% macro m() %} a {% endmacro %}{{ m()|trim|length }}{{ m() is string }}{{ m().strip() + 'b' }}")
case("macro varargs kwargs", "{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, k=4) }}")
case("macro recursion", "{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}")
case("macro in a loop", "{% macro item(x) %}<{{ x }}>{% endmacro %}{% for i in [1, 2] %}{{ item(i) }}{% endfor %}")
case("macro name", "{% macro hello() %}{% endmacro %}{{ hello.name }}")
case("macro spread", "{% macro m(a, b) %}{{ a }}{{ b }}{% endmacro %}{{ m(*[1, 2]) }}{{ m(**{'a': 3, 'b': 4}) }}")
case("call block", "{% macro box(t) %}<{{ t }}:{{ caller() }}>{% endmacro %}{% call box('x') %}body{{ 1 }}{% endcall %}")
case("call block with arguments", "{% macro each(l) %}{% for i in l %}{{ caller(i) }}{% endfor %}{% endmacro %}{% call(v) each([1, 2]) %}({{ v }}){% endcall %}")
case("filter block", "{% filter upper %}a{{ 'b' }}{% endfilter %}{% filter replace('a', 'o')|trim %} banana {% endfilter %}")
case("with", "{% set a = 1 %}{% with a=2, b=a %}{{ a }}{{ b }}{% endwith %}{{ a }}")
case("strftime", "{{ strftime_now('%Y-%m-%d %d %b %B %H:%M:%S %j %A %a %p %I %y %%') }}")
case("strftime unpadded", "{{ strftime_now('%-d %-m %-H') }}")
case("global names can be tested", "{{ strftime_now is defined }} {{ raise_exception is defined }} {{ range is callable }} {{ nothing is defined }}")
case("variable shadows function", "{{ range }}", {"range": "mine"})
case("dict function", "{{ dict(a=1, b='x') }} {{ dict({'a': 1}, b=2) }} {{ dict([('k', 1)]) }}")

# String methods ------------------------------------------------------------------------------------------------------
case("strip", "[{{ text.strip() }}] [{{ text.lstrip() }}] [{{ text.rstrip() }}] {{ 'xxaxx'.strip('x') }} {{ '<think>a'.lstrip('<>') }} {{ 'a\n\n'.rstrip('\n') }}|", DATA)
case("split", "{{ text.split() }} {{ 'a,b,,c'.split(',') }} {{ 'a,b,c'.split(',', 1) }} {{ 'a'.split(',') }} {{ ''.split() }} {{ ''.split(',') }}", DATA)
case("split maxsplit", "{{ ' a  b  c '.split(none, 1) }} {{ 'a b c'.split(maxsplit=1) }} {{ 'abab'.split('ab', 0) }} {{ 'a::b::c'.split('::')[-1] }}")
case("rsplit", "{{ 'a,b,c'.rsplit(',', 1) }} {{ ' a  b  c '.rsplit(none, 1) }} {{ 'a,b'.rsplit(',') }} {{ 'aXXbXX'.rsplit('XX', 1) }}")
case("split thinking", "{{ m.split('</think>')[-1].lstrip('\n') }}|{{ m.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') }}", {"m": "<think>\nhmm\n</think>\n\nanswer\n"})
case("splitlines", "{{ 'a\nb\r\nc\n'.splitlines() }} {{ 'a\nb'.splitlines(true) }} {{ ''.splitlines() }}")
case("startswith endswith", "{{ name.startswith('Ada') }} {{ name.endswith('x') }} {{ name.startswith(('x', 'A')) }} {{ 'abc'.startswith('b', 1) }} {{ 'abc'.endswith('b', 0, 2) }}", DATA)
case("case methods", "{{ 'heLLo wORLD'.upper() }} {{ 'heLLo'.lower() }} {{ \"they're bill's\".title() }} {{ 'heLLo wORLD'.capitalize() }} {{ 'aBc'.swapcase() }} {{ 'straße'.upper() }}")
case("replace", "{{ 'banana'.replace('a', 'o') }} {{ 'banana'.replace('a', 'o', 1) }} {{ 'ab'.replace('', '-') }} {{ 'aaa'.replace('aa', 'b') }}")
case("find", "{{ 'banana'.find('an') }} {{ 'banana'.rfind('an') }} {{ 'banana'.find('x') }} {{ 'banana'.find('an', 2) }} {{ 'banana'.index('n') }} {{ 'banana'.count('an') }} {{ 'aaa'.count('') }}")
case("join method", "{{ ', '.join(['a', 'b']) }} {{ ''.join('abc') }} {{ '-'.join([]) }}|")
case("str format", "{{ '{} {}'.format(1, 'a') }} {{ '{1}{0}'.format('a', 'b') }} {{ '{x:>5}|{y:<4}|{z:^5}|'.format(x=1, y='b', z='c') }} {{ '{{}}'.format() }}")
case("str format specs", "{{ '{:.2f} {:05d} {:,} {:x} {:+d} {:%}'.format(3.14159, 42, 1234567, 255, 5, 0.25) }} {{ '{!r} {!s}'.format('a', 'b') }} {{ '{:*^9}'.format('mid') }}")
case("is methods", "{{ '12'.isdigit() }} {{ 'ab'.isalpha() }} {{ 'a1'.isalnum() }} {{ ' '.isspace() }} {{ 'AB'.isupper() }} {{ 'ab'.islower() }} {{ ''.isdigit() }} {{ '١'.isdigit() }}")
case("padding methods", "{{ '7'.zfill(3) }} {{ '-7'.zfill(4) }} {{ 'a'.ljust(3, '.') }} {{ 'a'.rjust(3) }} {{ 'ab'.center(5, '*') }} {{ 'abc'.center(6, '*') }}")
case("partition", "{{ 'a=b=c'.partition('=') }} {{ 'a=b=c'.rpartition('=') }} {{ 'abc'.partition('=') }} {{ 'abc'.rpartition('=') }}")
case("remove affix", "{{ 'prefix-a'.removeprefix('prefix-') }} {{ 'a.txt'.removesuffix('.txt') }} {{ 'a'.removesuffix('') }}")
case("methods chain", "{{ (' A,B '.strip().lower().split(',')|first).upper() }}")

# Filters -------------------------------------------------------------------------------------------------------------
case("tojson scalars", "{{ 1|tojson }} {{ 1.0|tojson }} {{ true|tojson }} {{ none|tojson }} {{ 'a\"b\\\\c/é😀\n\t'|tojson }} {{ html|tojson }}", DATA)
case("tojson nested", "{{ map|tojson }} {{ items|tojson }} {{ []|tojson }} {{ {}|tojson }} {{ (1, 2)|tojson }}", DATA)
case("tojson indent", "{{ map|tojson(indent=2) }}\n{{ [[], {}, [1]]|tojson(indent=4) }}", DATA)
case("tojson indent string", "{{ {'a': [1]}|tojson(indent='\t') }}")
case("tojson options", "{{ {'b': 'é', 'a': 1}|tojson(sort_keys=true, ensure_ascii=true) }} {{ {'a': [1, 2]}|tojson(separators=(',', ':')) }}")
case("tojson floats", "{{ floats|tojson }}", DATA)
case("tojson keys", "{{ {1: 'a', none: 'b', true: 'c', 2.5: 'd'}|tojson }}")
case("tojson control characters", "{{ quote|tojson }}", DATA)
case("default", "{{ missing|default('d') }} {{ missing|d }}| {{ ''|default('e') }}| {{ ''|default('e', true) }} {{ none|default('n') }} {{ 0|default(5, boolean=true) }} {{ missing.x|default('y') if false else 'ok' }}")
case("length", "{{ numbers|length }} {{ ''|length }} {{ map|count }} {{ 'abc'|length }} {{ missing|length }} {{ range(4)|length }} {{ map.items()|length }}", DATA)
case("first last", "{{ numbers|first }} {{ numbers|last }} {{ 'abc'|first }} {{ 'abc'|last }} [{{ []|first }}] [{{ []|last }}]", DATA)
case("join", "{{ numbers|join(', ') }} {{ numbers|join }} {{ items|join('-', attribute='kind') }} {{ [1, none, true]|join('|') }} {{ 'abc'|join('.') }}", DATA)
case("map attribute", "{{ items|map(attribute='n')|list }} {{ items|map(attribute='zz', default=0)|list }} {{ [{'a': {'b': 1}}]|map(attribute='a.b')|list }} {{ [[1, 2]]|map(attribute=1)|list }}", DATA)
case("map filter", "{{ words|map('upper')|list }} {{ words|map('replace', 'p', 'q')|join(',') }} {{ ['1', 'x']|map('int', 7)|list }} {{ [1.5]|map('string')|list }}", DATA)
case("select", "{{ [0, 1, '', 'a']|select|list }} {{ range(6)|select('odd')|list }} {{ range(6)|reject('odd')|list }} {{ [1, 5]|select('gt', 2)|list }} {{ range(3)|select('==', 1)|list }}")
case("selectattr", "{{ items|selectattr('kind', 'equalto', 'a')|map(attribute='n')|list }} {{ items|rejectattr('kind', 'eq', 'a')|list }} {{ items|selectattr('zz')|list }} {{ items|selectattr('n', 'in', [1, 3])|list|length }} {{ items|selectattr('zz', 'undefined')|list|length }}", DATA)
case("trim upper lower", "[{{ text|trim }}] {{ 'aBc'|upper }} {{ 'aBc'|lower }} {{ 'xax'|trim('x') }} {{ 5|upper }} {{ missing|upper }}| {{ none|trim }}", DATA)
case("title capitalize", "{{ \"foo's bar-baz (qux) [a] {b} <c\"|title }} {{ 'hELLO wORLD'|capitalize }} {{ ''|capitalize }}|")
case("list string", "{{ 'abc'|list }} {{ {'a': 1}|list }} {{ 5|string + 'x' }} {{ [1]|string }} {{ none|string }}")
case("int float", "{{ '42'|int }} {{ '4.7'|int }} {{ 'x'|int }} {{ 'x'|int(9) }} {{ 3.9|int }} {{ -3.9|int }} {{ '0x1f'|int(0, 16) }} {{ '1e3'|int }} {{ ' 7 '|int }} {{ none|int }} {{ '2.5'|float }} {{ 'x'|float }} {{ 3|float }} {{ true|int }}")
case("abs round", "{{ -3|abs }} {{ -2.5|abs }} {{ 2.567|round(2) }} {{ 2.5|round }} {{ 3.5|round }} {{ 2.1|round(0, 'ceil') }} {{ 2.9|round(method='floor') }} {{ 42|round }} {{ 1234|round(-2) }} {{ 2.675|round(2) }} {{ true|round(1) }}")
case("filters on nothing", "{{ none|select|list }}{{ 0|map('upper')|list }}{{ none|selectattr('a')|list }}")
case("replace filter", "{{ 'aaa'|replace('a', 'b') }} {{ 'aaa'|replace('a', 'b', 2) }} {{ 121|replace(1, 'x') }}")
case("items filter", "{% for k, v in map|items %}{{ k }}={{ v }};{% endfor %}{% for k, v in missing|items %}x{% endfor %}", DATA)
case("unique", "{{ [1, 2, 1, 3]|unique|list }} {{ words|unique|list }} {{ words|unique(case_sensitive=true)|list }} {{ items|unique(attribute='kind')|map(attribute='n')|list }}", DATA)
case("sort", "{{ numbers|sort }} {{ numbers|sort(reverse=true) }} {{ words|sort }} {{ words|sort(case_sensitive=true) }} {{ items|sort(attribute='kind')|map(attribute='n')|list }} {{ items|sort(attribute='kind,n', reverse=true)|map(attribute='n')|list }}", DATA)
case("dictsort", "{{ {'b': 1, 'A': 3, 'c': 2}|dictsort }} {{ {'b': 1, 'A': 3}|dictsort(case_sensitive=true) }} {{ {'b': 1, 'a': 3}|dictsort(by='value', reverse=true) }}")
case("min max sum", "{{ numbers|min }} {{ numbers|max }} {{ numbers|sum }} {{ items|sum(attribute='n') }} {{ words|min }} {{ [1, 2]|sum(start=10) }} [{{ []|max }}] {{ items|max(attribute='n') }}", DATA)
case("reverse", "{{ 'abc'|reverse }} {{ numbers|reverse|list }} {% for i in [1, 2]|reverse %}{{ i }}{% endfor %}", DATA)
case("batch slice", "{{ range(5)|batch(2)|list }} {{ range(5)|batch(2, 'x')|list }} {{ range(5)|slice(2)|list }} {{ range(5)|slice(2, 'x')|list }}")
case("indent", "{{ 'a\nb\n\nc'|indent }}|{{ 'a\nb'|indent(2, true) }}|{{ 'a\n\nb'|indent(1, blank=true) }}|{{ 'a\nb'|indent('> ') }}")
case("format filter", "{{ '%s is %d'|format('a', 3) }} {{ '%(x)s'|format(x=1) }}")
case("center wordcount", "[{{ 'ab'|center(6) }}] {{ 'one two, three_3'|wordcount }}")
case("attr filter", "[{{ {'a': 1}|attr('a') }}] {{ 'x'|attr('upper')() }}")
case("safe", "{{ html|safe }} {{ '<' ~ (html|safe) }}", DATA)
case("filter precedence", "{{ 1 + 2|string|length }} {{ 'a' ~ 'b'|upper }} {{ not 'a'|length == 1 }} {{ [3, 1]|sort|first + 1 }}")
case("filters on call results", "{{ 'a b'.split()|map('upper')|join('-') }} {{ ('x' if true else 'y')|upper }}")

# Tests ---------------------------------------------------------------------------------------------------------------
KINDS = {"values": [1, 1.5, "s", True, None, [1], {"a": 1}]}
case("type tests", "{% for v in values %}{{ v is string }}{{ v is number }}{{ v is integer }}{{ v is float }}{{ v is boolean }}{{ v is none }}{{ v is mapping }}{{ v is sequence }}{{ v is iterable }} {% endfor %}", KINDS)
case("tests of undefined", "{{ x is defined }}{{ x is undefined }}{{ x is none }}{{ x is string }}{{ x is mapping }}{{ x is iterable }}{{ x is sequence }}{{ x is number }}")
case("truth tests", "{{ true is true }} {{ 1 is true }} {{ false is false }} {{ none is false }} {{ 'a' is not true }}")
case("number tests", "{{ 3 is odd }} {{ 4 is even }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }} {{ 1.5 is odd }} {{ 3.0 is odd }}")
case("comparison tests", "{{ 1 is eq 1 }} {{ 1 is equalto 2 }} {{ 2 is gt 1 }} {{ 2 is lt(1) }} {{ 2 is ge 2 }} {{ 2 is le 1 }} {{ 1 is ne 2 }} {{ 3 is greaterthan 2 }}")
case("in test", "{{ 1 is in [1, 2] }} {{ 'x' is in 'abc' }} {{ 3 is not in [1] }} {{ 'a' is in({'a': 1}) }}")
case("case tests", "{{ 'ab' is lower }} {{ 'AB' is upper }} {{ 'Ab' is lower }} {{ '1' is lower }}")
case("sameas", "{{ none is sameas none }} {{ true is sameas true }} {{ 1 is sameas true }}")
case("test with and", "{{ 1 is odd and 2 is even }} {{ x is defined or true }} {{ 'y' if x is not defined else 'n' }}")
case("generator tests", "{{ ([1]|map('string')) is iterable }} {{ ([1]|map('string')) is sequence }} {{ range(2) is sequence }}")
case("callable test", "{{ range is callable }} {{ 'a'.upper is callable }} {{ 5 is callable }} {{ missing is callable }}")

# Chats ---------------------------------------------------------------------------------------------------------------
CHATML = """{%- for message in messages %}
    {%- if message.role == 'system' and not loop.first %}
        {{- raise_exception('The system message must come first.') }}
    {%- endif %}
    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""
case("chatml", CHATML, CHAT)
case("chatml refuses", CHATML, {"messages": [{"role": "user", "content": "a"}, {"role": "system", "content": "b"}]})
case("user text is not evaluated", "{% for m in messages %}{{ m.content }}{% set c = m['content'] %}{{ c }}{{ c|trim }}{% endfor %}", CHAT)
case("thinking stripped from history", """{{- bos_token -}}
{% for m in messages -%}
{% set content = m.content %}
{% if m.role == 'assistant' and '</think>' in content %}
{% set content = content.split('</think>')[-1].lstrip('\\n') %}
{% endif %}
[{{ m.role|upper }}] {{ content|trim }}{{ eos_token if m.role == 'assistant' }}
{% endfor %}""", CHAT)
case("last user query", """{%- set ns = namespace(multi_step=true, last=messages|length - 1) %}
{%- for message in messages[::-1] %}
  {%- set index = (messages|length - 1) - loop.index0 %}
  {%- if ns.multi_step and message.role == 'user' and message.content is string and not (message.content.startswith('<t>') and message.content.endswith('</t>')) %}
    {%- set ns.multi_step = false %}
    {%- set ns.last = index %}
  {%- endif %}
{%- endfor %}
{{- ns.last }} {{ ns.multi_step }}""", CHAT)
case("tool calls", """{%- if tools %}
{{- '# Tools\\n' }}
{%- for tool in tools %}
{{- tool|tojson }}
{{- '\\n' }}
{%- endfor %}
{%- endif %}
{%- for m in messages %}
  {%- if m.tool_calls %}
    {%- for call in m.tool_calls %}
      {%- if call.function %}{%- set call = call.function %}{%- endif %}
      {{- '<tool_call>{"name": "' ~ call.name ~ '", "arguments": ' }}
      {%- if call.arguments is string %}{{- call.arguments }}{%- else %}{{- call.arguments|tojson }}{%- endif %}
      {{- '}</tool_call>\\n' }}
    {%- endfor %}
  {%- elif m.role == 'tool' %}
    {%- if loop.first or (messages[loop.index0 - 1].role != 'tool') %}{{- '<user>' }}{%- endif %}
    {{- '<response>' + m.content + '</response>' }}
    {%- if loop.last or (messages[loop.index0 + 1].role != 'tool') %}{{- '</user>\\n' }}{%- endif %}
  {%- else %}
    {%- set reasoning = '' %}
    {%- if m.reasoning_content is defined and m.reasoning_content is not none %}{%- set reasoning = m.reasoning_content %}{%- endif %}
    {{- m.role ~ ': ' ~ (reasoning.strip('\\n') ~ ' / ' if reasoning) ~ m.content ~ '\\n' }}
  {%- endif %}
{%- endfor %}""", TOOLS)
case("tool schema walk", """{%- macro kind(spec) -%}
{%- if spec.type == 'string' -%}str{%- elif spec.type == 'integer' -%}int{%- else -%}any{%- endif -%}
{%- endmacro -%}
{%- for tool in tools -%}
{{ tool.function.name }}({% for key, spec in tool.function.parameters.properties.items() %}{{ key }}: {{ kind(spec) }}{% if key not in tool.function.parameters.required %} = {{ spec.default }}{% endif %}{{ ', ' if not loop.last }}{% endfor %})
{{ tool | tojson(indent=4) }}
{%- endfor -%}""", TOOLS)
case("date in system", "{%- if not date_string is defined %}{%- set date_string = strftime_now('%d %b %Y') if strftime_now is defined else '26 Jul 2024' %}{%- endif %}Today: {{ date_string }}")
case("alternation check", """{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate: ' ~ m.role ~ ' at ' ~ loop.index) }}{% endif %}{{ m.role }}{% endfor %}""", CHAT)
case("system message split off", "{%- if messages[0].role == 'system' %}{%- set system_message = messages[0].content|trim %}{%- set messages = messages[1:] %}{%- else %}{%- set system_message = '' %}{%- endif %}{{ system_message }}|{{ messages|length }}", CHAT)
case("content parts", "{% for part in content %}{% if part is string %}{{ part }}{% elif part.type == 'text' %}{{ part.text }}{% else %}<{{ part['type'] }}>{% endif %}{% endfor %}", {"content": ["a", {"type": "text", "text": "b"}, {"type": "image"}]})
case("enable thinking", "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}", {"enable_thinking": False})

# Errors that jinja2 raises as well -----------------------------------------------------------------------------------
case("raise_exception", "a\n{{ raise_exception('Only user and assistant roles: got \"x\"') }}")
case("attribute of undefined", "{{ missing.x.y }}")
case("attribute of missing attribute", "{{ map.zzz.y }}", DATA)
case("item of undefined", "{{ missing[0] }}")
case("call of undefined", "{{ missing() }}")
case("add undefined", "{{ missing + 'a' }}")
case("add undefined right", "{{ 'a' + missing }}")
case("add string and int", "{{ 'a' + 1 }}")
case("add string and none", "{{ 'a' + none }}")
case("compare string and int", "{{ 'a' < 1 }}")
case("compare undefined", "{{ missing > 1 }}")
case("iterate integer", "{% for i in 5 %}{% endfor %}")
case("iterate none", "{% for i in none %}{% endfor %}")
case("length of number", "{{ 5|length }}")
case("length of generator", "{{ [1]|map('string')|length }}")
case("index into generator is nothing", "[{{ ([1]|map('string'))[0] }}]")
case("item of dict view is nothing", "[{{ {'a': 1}.keys()[0] }}]")
case("division by zero", "{{ 1 / 0 }}")
case("modulo by zero", "{{ 1 % 0 }}")
case("too many arguments", "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}")
case("unknown keyword", "{% macro m(a) %}{% endmacro %}{{ m(b=2) }}")
case("unpack too few", "{% set a, b = [1] %}")
case("unpack too many", "{% for a, b in [[1, 2, 3]] %}{% endfor %}")
case("attribute on plain value", "{% set x = 1 %}{% set x.y = 2 %}")
case("tojson of undefined", "{{ missing|tojson }}")
case("in needs string", "{{ 1 in 'abc' }}")
case("in none", "{{ 1 in none }}")
case("membership in number", "{{ 1 in 5 }}")
case("unhashable key", "{{ {[1]: 2} }}")
case("unhashable lookup", "{{ {'a': 1}.get([1]) }}")
case("join method needs strings", "{{ ','.join([1]) }}")
case("split empty separator", "{{ 'a'.split('') }}")
case("index not found", "{{ 'abc'.index('z') }}")
case("range too large", "{% for i in range(10000000) %}{% endfor %}")
case("slice of a number", "{{ items[0].n[1:] }}", DATA)
case("slice of undefined", "{{ missing[1:] }}")
case("indent of a number", "{{ 5|indent }}")
case("slice step zero", "{{ [1][::0] }}")
case("format of something unused", "{{ 'x' % [1] }}{{ 'x' % missing }}{{ 'x' % {'a': 1} }}")
case("format of a number unused", "{{ 'x' % 1 }}")
case("format too few", "{{ '%s %s' % ('a',) }}")
case("format too many", "{{ '%s' % ('a', 'b') }}")
case("sort mixed", "{{ [1, 'a']|sort }}")
case("unary on string", "{{ -'a' }}")
case("call of string", "{{ 'abc'() }}")
case("attribute of undefined called", "{{ nothing.at.items() }}")
case("items of list", "{{ [1]|items|list }}")
case("filter missing argument", "{{ 'a'|replace('b') }}")
case("round of string", "{{ 'a'|round }}")
case("macro infinite recursion", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}")
case("unclosed block", "{% if true %}a")
case("unclosed tag", "a {{ 1")
case("unclosed comment", "a {# 1")
case("unclosed string", "{{ 'a }}")
case("unclosed raw", "{% raw %}a")
case("unknown tag", "{% frobnicate %}")
case("wrong end tag", "{% for i in [1] %}{% endif %}")
case("stray end tag", "a{% endif %}")
case("missing expression", "{{ }}")
case("two values", "{{ 1 2 }}")
case("unbalanced bracket", "{{ (1] }}")
case("assignment to constant", "{% set true = 1 %}")
case("chained is", "{{ 1 is odd is even }}")
case("bad character", "{{ 1 ? 2 }}")
case("break outside loop", "{% break %}")
case("positional after keyword", "{{ dict(a=1, 2) }}")
case("default before plain parameter", "{% macro m(a=1, b) %}{% endmacro %}")
case("unknown filter", "{{ 1|frobnicate }}")
case("unknown test", "{{ 1 is frobnicated }}")

# Stricter than jinja2 by intent: refused when compiled, with name and line -------------------------------------------
strict("include", "a\n{% include 'x' %}", "the tag 'include' is not supported (template line 2)")
strict("import", "{% import 'x' as y %}", "the tag 'import' is not supported")
strict("extends", "{% extends 'x' %}", "the tag 'extends' is not supported")
strict("block", "{% block a %}x{% endblock %}", "the tag 'block' is not supported")
strict("autoescape", "{% autoescape true %}{% endautoescape %}", "the tag 'autoescape' is not supported")
strict("do", "{% do 1 %}", "the tag 'do' is not supported")
strict("recursive loop", "{% for i in [] recursive %}{% endfor %}", "a recursive loop is not supported")
strict("escape", "{{ '<'|escape }}", "the filter 'escape' is not supported")
strict("unused unknown filter", "{% if false %}\n\n{{ 1|urlize }}{% endif %}", "the filter 'urlize' is not supported (template line 3)")
strict("unknown filter inside map", "{{ []|map('urlize')|list }}", "the filter 'urlize' is not supported")
strict("unknown test inside select", "{{ []|selectattr('a', 'escaped')|list }}", "the test 'escaped' is not supported")
strict("unsupported method", "{% if false %}{{ 'a'.encode('utf-8') }}{% endif %}", "the method 'encode' is not supported (template line 1)")
strict("unknown method of undefined", "{{ nothing.at.all() }}", "the method 'all' is not supported")
strict("mutating method", "{% if false %}{{ [].append(1) }}{% endif %}", "the method 'append' changes a value")
strict("unsupported function", "{{ lipsum() }}", "the function 'lipsum' is not supported")
strict("safe beside plus", "{{ ('a'|safe) + '<' }}", "the filter 'safe' on one side of '+'")
strict("generator printed", "{{ [1]|map('string') }}", "a generator cannot be printed")
strict("output limit", "{% set ns = namespace(s='xxxxxxxxxxxxxxxx') %}{% for i in range(22) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s|length }}", "a text of more than")
strict("integer range", "{{ 2 ** 200 }}", "leaves the range of 64 bits")
strict("format not supported", "{{ '%e' % 1.5 }}", "is not supported")
strict("strftime directive", "{{ strftime_now('%U') }}", "strftime_now does not support %U")
