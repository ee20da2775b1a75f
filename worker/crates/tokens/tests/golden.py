#!/usr/bin/env python3
"""Write golden.json: what the Python `tokenizers` package (0.23) makes of texts that are easy to get wrong.

usage: golden.py TOKENIZER_JSON > golden.json
"""
import json
import sys

from tokenizers import Tokenizer

TEXTS = [
    "",
    " ",
    "\n\t  \r\n",
    "Hello, world!",
    "The quick brown fox jumps over the lazy dog.",
    "Crème brûlée à la façon d'Ångström, naïve café, señor, Łódź, İstanbul, straße",
    "e\u0301 composed \u00e9, o\u0308 and \u00f6",
    "\u5927\u8fde\u7406\u5de5\u5927\u5b66 \u6771\u4eac \uc11c\uc6b8 \u3072\u3089\u304c\u306a \u30ab\u30bf\u30ab\u30ca",
    "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd \u0928\u092e\u0938\u094d\u0924\u0947 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
    "\U0001f600 smile \U0001f468\u200d\U0001f469\u200d\U0001f467 family \U0001f1e9\U0001f1ea flag \u2764\ufe0f",
    "zero\u200bwidth\u00a0no-break\u2003em\ufeffbom\u00adsoft",
    "nul\x00 bell\x07 escape\x1b[0m replacement\ufffd private\ue000",
    "def __init__(self, *args, **kwargs) -> None:\n    self._x = [i for i in range(10) if i % 2 == 0]\n",
    "fn main() { let x: Vec<Option<&'static str>> = vec![]; println!(\"{x:?}\"); }",
    "SELECT id, COUNT(*) FROM users WHERE name LIKE '%o''brien%' GROUP BY id;",
    "camelCaseName snake_case_name SCREAMING_SNAKE kebab-case HTTPServer2XX x86_64",
    "https://example.org/a/b?c=d&e=f#g user@example.org 192.168.0.1 1,234.56e-7 0xDEADBEEF",
    "a" * 99 + " " + "b" * 100 + " " + "c" * 101 + " " + "d" * 300,
    "word " * 300,
    "x" + " " * 5000 + "y",
    "[CLS] [SEP] [PAD] [MASK] [UNK] ##ing",
    "don't can't it's O'Reilly \u2018quoted\u2019 \u201cdouble\u201d \u2014 dash \u2026",
    "\u00bd \u00b2 \u2460 \ufb01ne \u2126 \u212b \uff21\uff22\uff23 \u1e9b\u0323",
    "\u4e2d\u6587mixed\u6587\u5b57with123numbers",
    "tabs\tand\nnewlines\r\nand\u2028separators\u0085next",
    "\U00020000\U0002a700 rare ideographs \u3400",
    "\u0301leading mark, trailing e\u0301",
]

tokenizer = Tokenizer.from_file(sys.argv[1])
tokenizer.enable_truncation(256)
tokenizer.no_padding()
cases = [{"text": text, "ids": tokenizer.encode(text).ids} for text in TEXTS]
print("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]")
