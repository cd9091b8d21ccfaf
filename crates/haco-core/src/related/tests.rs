use super::*;

fn found(path: &str, text: &str, paths: &[&str]) -> Vec<String> {
    let tree = Tree::new(paths.iter().copied());
    let read = |path: &str| (path == "go.mod").then(|| "module example.com/shop\n\ngo 1.22\n".to_owned());
    imported(Source { path, text }, &tree, &read)
}

#[test]
fn rust_walks_its_module_tree() {
    let paths = [
        "src/lib.rs",
        "src/a.rs",
        "src/a/deep.rs",
        "src/b/mod.rs",
        "src/b/c.rs",
        "crates/other-one/src/lib.rs",
        "crates/other-one/src/x.rs",
    ];
    let text = "mod deep;\nuse std::fmt;\npub(crate) use crate::b::{self, c::Thing, missing::*};\nuse other_one::{\n    x::Y,\n    z,\n};\nuse super::b::c as d;\n";
    assert_eq!(
        found("src/a.rs", text, &paths),
        ["src/a/deep.rs", "src/b/mod.rs", "src/b/c.rs", "crates/other-one/src/x.rs", "crates/other-one/src/lib.rs"]
    );
    assert_eq!(found("src/b/mod.rs", "mod c;\nuse self::c::X;\nuse super::a;\n", &paths), ["src/b/c.rs", "src/a.rs"]);
}

#[test]
fn python_reads_absolute_and_relative_imports() {
    let paths = ["shop/__init__.py", "shop/cart.py", "shop/tax/rates.py", "src/lib/x.py", "tests/test_cart.py"];
    let text = "import os, shop.cart as c\nfrom .tax import rates\nfrom lib.x import (\n    one,\n    two,\n)\nfrom . import missing  # nothing\n";
    let all = ["shop/cart.py", "shop/tax/rates.py", "src/lib/x.py", "shop/__init__.py"];
    assert_eq!(found("shop/order.py", text, &paths), all);
    assert_eq!(found("shop/tax/a.py", "from ..cart import Cart\n", &paths), ["shop/cart.py"]);
}

#[test]
fn scripts_name_files_with_and_without_their_ending() {
    let paths = ["web/a.ts", "web/util/index.js", "src/ui/box.tsx", "web/data.json", "top.ts"];
    let text = "import { x } from './a.js';\nconst u = require(\"./util\"), d = require('./data.json');\nexport * from '@/ui/box'\nimport React from 'react'\nconst s = './a';\nimport('../../etc/passwd')\nimport '../top'\n";
    assert_eq!(
        found("web/main.ts", text, &paths),
        ["web/a.ts", "web/util/index.js", "web/data.json", "src/ui/box.tsx", "top.ts"]
    );
}

#[test]
fn go_knows_its_module_and_its_own_package() {
    let paths = ["go.mod", "cart/cart.go", "cart/cart_test.go", "tax/a.go", "tax/b.go", "main.go", "other.go"];
    let text = "package main\n\nimport (\n\t\"net/http\"\n\tt \"example.com/shop/tax\"\n)\nimport \"example.com/shop/cart\"\nvar x = \"example.com/shop/none\"\n";
    assert_eq!(found("main.go", text, &paths), ["tax/a.go", "tax/b.go", "cart/cart.go", "other.go"]);
}

#[test]
fn java_finds_classes_wherever_the_sources_begin() {
    let paths = [
        "app/src/main/java/a/b/C.java",
        "app/src/main/java/a/b/D.java",
        "app/src/main/java/a/Main.java",
        "app/src/main/java/a/Helper.java",
        "app/src/main/java/a/Unused.java",
    ];
    let text =
        "package a;\nimport a.b.C;\nimport static a.b.D.max;\nimport java.util.List;\nclass Main { Helper h; }\n";
    let base = "app/src/main/java/a/";
    assert_eq!(
        found(&format!("{base}Main.java"), text, &paths),
        ["b/C.java", "b/D.java", "Helper.java"].map(|p| format!("{base}{p}"))
    );
    assert_eq!(found(&format!("{base}Main.java"), "import a.b.*;\n", &paths).len(), 2);
}

#[test]
fn c_finds_its_headers() {
    let paths = ["src/a.c", "src/a.h", "include/lib/b.h", "deep/er/c.h", "x/d.h", "y/d.h"];
    let text = "#include <stdio.h>\n#include \"lib/b.h\"\n#  include <c.h>\n#include \"d.h\"\n";
    assert_eq!(found("src/a.c", text, &paths), ["include/lib/b.h", "deep/er/c.h", "src/a.h"]);
}

#[test]
fn texts_name_files_and_names() {
    let tree = Tree::new(["tests/test_a.py", "src/a.rs", "Makefile"]);
    let text = "run `pytest ./tests/test_a.py::test_x`, see src/a.rs:12, 'python3 -m unittest tests.test_a.Case' and Makefile.";
    assert_eq!(mentioned(text, &tree), ["tests/test_a.py", "src/a.rs", "Makefile"]);
    assert_eq!(named("Add `shop::greet(name)` to `Shop`; `x`, `12` and `a b` are no names"), ["greet", "Shop"]);
}

#[test]
fn a_ticket_names_what_it_speaks_of() {
    let ticket: Ticket = serde_json::from_value(serde_json::json!({
        "id": "T-001", "title": "Mend `total`", "type": "bugfix", "plan": "p",
        "task": {"description": "See `Cart::add(item)`.", "public_api": ["def pay(sum: int) -> bool"]},
        "context": {"related_symbols": ["shop.tax.rate_of"], "notes": "and `Order`"}, "definition_of_done": {}
    }))
    .expect("a ticket");
    assert_eq!(Vec::from_iter(names(&ticket)), ["Order", "add", "pay", "rate_of", "total"]);
}

#[test]
fn hostile_texts_are_read_to_their_end() {
    let deep = format!("use {}a{};\n", "{".repeat(5000), "}".repeat(5000));
    for (path, text) in [
        ("a.rs", deep.as_str()),
        ("a.rs", "use super::super::super::super::x;\nuse ;\nuse ::;\nmod ;\n"),
        ("a.py", "from ....... import x\nfrom  import \nimport\nfrom . import (\n"),
        ("a.ts", "import '\nfrom \"\nrequire('é"),
        ("a.go", "import (\n\"\n"),
        ("a.java", "import ;\nimport .*;\nimport static ;\n"),
        ("a.c", "#include \"\n#include <\n#include \"../../../x/passwd\"\n#"),
        ("a", "x"),
    ] {
        assert_eq!(found(path, text, &["b.rs", "etc/passwd"]), [""; 0], "{path}: {text:.40}");
    }
}
