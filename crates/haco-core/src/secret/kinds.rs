//! Secrets that are known by their form: a prefix and what follows it, as their providers publish it.

use super::{Found, look};

/// Which characters follow a prefix.
#[derive(Clone, Copy)]
enum Of {
    /// Letters and digits.
    Alnum,
    /// Upper-case letters and digits.
    Upper,
    /// Hexadecimal digits.
    Hex,
    /// Letters, digits, `-` and `_`.
    Url,
    /// The same and `.`.
    Dotted,
    /// Base64 with its padding.
    Base64,
}

impl Of {
    fn has(self, byte: u8) -> bool {
        match self {
            Of::Alnum => byte.is_ascii_alphanumeric(),
            Of::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Of::Hex => byte.is_ascii_hexdigit(),
            Of::Url => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
            Of::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'),
            Of::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='),
        }
    }

    /// The entropy below which nothing was picked at random.
    fn bits(self) -> f64 {
        match self {
            Of::Hex => 2.4,
            _ => 2.8,
        }
    }
}

struct Kind {
    name: &'static str,
    prefix: &'static str,
    of: Of,
    least: usize,
    most: usize,
}

const MANY: usize = 4096;

const fn kind(name: &'static str, prefix: &'static str, of: Of, (least, most): (usize, usize)) -> Kind {
    Kind { name, prefix, of, least, most }
}

/// The longer of two prefixes stands first.
const KINDS: [Kind; 62] = [
    kind("anthropic", "sk-ant-", Of::Url, (32, 200)),
    kind("openrouter", "sk-or-v1-", Of::Hex, (64, 64)),
    kind("openai", "sk-proj-", Of::Url, (40, 200)),
    kind("openai", "sk-svcacct-", Of::Url, (40, 200)),
    kind("openai", "sk-admin-", Of::Url, (40, 200)),
    kind("openai", "sk-", Of::Alnum, (32, 64)),
    kind("google", "AIza", Of::Url, (35, 35)),
    kind("google-oauth", "ya29.", Of::Dotted, (40, MANY)),
    kind("google-oauth", "GOCSPX-", Of::Url, (28, 28)),
    kind("groq", "gsk_", Of::Alnum, (40, 80)),
    kind("xai", "xai-", Of::Alnum, (60, 100)),
    kind("huggingface", "hf_", Of::Alnum, (30, 40)),
    kind("replicate", "r8_", Of::Alnum, (36, 40)),
    kind("perplexity", "pplx-", Of::Alnum, (40, 64)),
    kind("together", "tgp_v1_", Of::Url, (40, 64)),
    kind("fireworks", "fw_", Of::Alnum, (22, 40)),
    kind("github", "github_pat_", Of::Url, (70, 90)),
    kind("github", "ghp_", Of::Alnum, (36, 255)),
    kind("github", "gho_", Of::Alnum, (36, 255)),
    kind("github", "ghu_", Of::Alnum, (36, 255)),
    kind("github", "ghs_", Of::Alnum, (36, 255)),
    kind("github", "ghr_", Of::Alnum, (36, 255)),
    kind("gitlab", "glpat-", Of::Dotted, (20, 64)),
    kind("gitlab", "gldt-", Of::Url, (20, 64)),
    kind("gitlab", "glrt-", Of::Dotted, (20, 64)),
    kind("atlassian", "ATATT3", Of::Base64, (60, 250)),
    kind("aws", "AKIA", Of::Upper, (16, 16)),
    kind("aws", "ASIA", Of::Upper, (16, 16)),
    kind("digitalocean", "dop_v1_", Of::Hex, (64, 64)),
    kind("digitalocean", "doo_v1_", Of::Hex, (64, 64)),
    kind("heroku", "HRKU-", Of::Url, (36, 80)),
    kind("fly", "FlyV1 fm2_", Of::Base64, (60, MANY)),
    kind("vault", "hvs.", Of::Url, (24, 200)),
    kind("vault", "hvb.", Of::Url, (60, 300)),
    kind("doppler", "dp.pt.", Of::Alnum, (40, 44)),
    kind("tailscale", "tskey-", Of::Url, (24, 100)),
    kind("slack", "xoxb-", Of::Url, (40, 120)),
    kind("slack", "xoxp-", Of::Url, (40, 160)),
    kind("slack", "xapp-1-", Of::Url, (40, 160)),
    kind("slack", "hooks.slack.com/services/T", Of::Base64, (35, 80)),
    kind("stripe", "sk_live_", Of::Alnum, (24, 120)),
    kind("stripe", "rk_live_", Of::Alnum, (24, 120)),
    kind("stripe", "whsec_", Of::Base64, (32, 64)),
    kind("square", "sq0csp-", Of::Url, (43, 43)),
    kind("shopify", "shpat_", Of::Hex, (32, 32)),
    kind("shopify", "shpss_", Of::Hex, (32, 32)),
    kind("sendgrid", "SG.", Of::Dotted, (60, 70)),
    kind("mailgun", "key-", Of::Hex, (32, 32)),
    kind("npm", "npm_", Of::Alnum, (36, 36)),
    kind("pypi", "pypi-AgEIcHlwaS5vcmc", Of::Url, (50, 250)),
    kind("crates-io", "cio", Of::Alnum, (32, 32)),
    kind("docker", "dckr_pat_", Of::Url, (27, 36)),
    kind("databricks", "dapi", Of::Hex, (32, 32)),
    kind("linear", "lin_api_", Of::Alnum, (40, 40)),
    kind("notion", "ntn_", Of::Alnum, (44, 50)),
    kind("postman", "PMAK-", Of::Url, (59, 59)),
    kind("grafana", "glsa_", Of::Url, (41, 41)),
    kind("new-relic", "NRAK-", Of::Upper, (27, 27)),
    kind("sentry", "sntrys_", Of::Base64, (60, 400)),
    kind("planetscale", "pscale_tkn_", Of::Dotted, (32, 64)),
    kind("supabase", "sbp_", Of::Hex, (40, 40)),
    kind("age", "AGE-SECRET-KEY-1", Of::Upper, (58, 58)),
];

/// With which bytes a secret may begin: most bytes are passed over with one look.
static BEGINS: [bool; 256] = {
    let mut all = [false; 256];
    all[b':' as usize] = true;
    all[b'e' as usize] = true;
    let mut n = 0;
    while n < KINDS.len() {
        all[KINDS[n].prefix.as_bytes()[0] as usize] = true;
        n += 1;
    }
    all
};

/// Every one in these bytes as they stand.
pub fn scan(text: &[u8]) -> Vec<Found> {
    let mut all = Vec::new();
    for at in (0..text.len()).filter(|at| BEGINS[usize::from(text[*at])]) {
        all.extend(known(text, at));
    }
    all.extend(private_keys(text));
    all
}

fn known(text: &[u8], at: usize) -> Option<Found> {
    match text[at] {
        b'e' if text[at..].starts_with(b"eyJ") => jwt(text, at),
        b':' if text[at..].starts_with(b"://") => password(text, at + 3),
        b':' => telegram(text, at),
        first => KINDS.iter().filter(|kind| kind.prefix.as_bytes()[0] == first).find_map(|kind| fits(kind, text, at)),
    }
}

fn fits(kind: &Kind, text: &[u8], at: usize) -> Option<Found> {
    let rest = text[at..].strip_prefix(kind.prefix.as_bytes())?;
    let body = run(rest, kind.of);
    let fits =
        begins(text, at) && (kind.least..=kind.most).contains(&body) && look::is_random(&rest[..body], kind.of.bits());
    fits.then(|| Found { kind: kind.name, range: at..at + kind.prefix.len() + body })
}

fn run(text: &[u8], of: Of) -> usize {
    text.iter().take(MANY + 1).take_while(|b| of.has(**b)).count()
}

/// Whether a word may begin here: at no letter, unless it is that of an escaped line end.
fn begins(text: &[u8], at: usize) -> bool {
    match &text[..at] {
        [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., before] => !is_word(*before),
        [] => true,
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Header, claims and signature; a token without a signature is nobody's secret.
fn jwt(text: &[u8], at: usize) -> Option<Found> {
    let length = run(&text[at..], Of::Dotted);
    let parts: Vec<&[u8]> = text[at..at + length].split(|b| *b == b'.').collect();
    let [header, claims, signature] = parts.get(..3)? else { return None };
    let whole = begins(text, at) && header.len() >= 12 && claims.len() >= 12 && claims.starts_with(b"eyJ");
    let signed = signature.len() >= 20 && look::is_random(signature, 2.8);
    let end = header.len() + claims.len() + signature.len() + 2;
    (whole && signed).then(|| Found { kind: "jwt", range: at..at + end })
}

/// `scheme://user:PASSWORD@host`; what is short, or a variable, is no live one.
fn password(text: &[u8], at: usize) -> Option<Found> {
    let end = text[at..].iter().take(300).position(|b| b.is_ascii_whitespace() || b"/?#\"'`<>,;)(\\".contains(b))?;
    let authority = &text[at..at + end];
    let until = authority.iter().rposition(|b| *b == b'@')?;
    let from = authority[..until].iter().position(|b| *b == b':')? + 1;
    let secret = &authority[from..until];
    let plain = |b: &u8| !b"{}$<>*[]%".contains(b);
    let live = secret.len() >= 12 && secret.iter().all(plain) && mixed(secret) && look::is_random(secret, 3.0);
    live.then(|| Found { kind: "password", range: at + from..at + until })
}

/// Digits among letters, as no word has them.
fn mixed(text: &[u8]) -> bool {
    text.iter().any(u8::is_ascii_digit) && text.iter().any(u8::is_ascii_alphabetic)
}

/// `NUMBER:AA…`, the token of a bot.
fn telegram(text: &[u8], colon: usize) -> Option<Found> {
    let digits = text[..colon].iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let rest = &text[colon + 1..];
    let body = run(rest, Of::Url);
    let begins =
        (8..=10).contains(&digits) && (begins(text, colon - digits) || text[..colon - digits].ends_with(b"bot"));
    let fits = begins && body == 35 && rest.starts_with(b"AA") && look::is_random(&rest[..body], 3.0);
    fits.then(|| Found { kind: "telegram", range: colon - digits..colon + 1 + body })
}

const BEGIN: &[u8] = b"-----BEGIN ";
const KEY: &[u8] = b"PRIVATE KEY";

/// Private keys, from the line that begins one to the line that ends it, or to the end of what may still be one.
fn private_keys(text: &[u8]) -> Vec<Found> {
    let mut all: Vec<Found> = Vec::new();
    for at in look::places(text, BEGIN) {
        let head = text[at..].iter().skip(BEGIN.len()).take(40).position(|b| *b == b'-').map(|n| at + BEGIN.len() + n);
        let Some(end) = head.filter(|end| look::places(&text[at..*end], KEY).next().is_some()) else { continue };
        let body = text[end..].iter().skip(5).take(16 << 10).take_while(|b| of_a_key(**b)).count() + 5;
        let secret = text[end..].get(5..body).unwrap_or_default();
        if run_of_base64(secret) >= 40 {
            let tail = text.get(end + body..).unwrap_or_default();
            let close = if tail.starts_with(b"-----END") {
                tail.iter().position(|b| *b == b'\n').unwrap_or(tail.len())
            } else {
                0
            };
            all.push(Found { kind: "private-key", range: at..end + body + close.min(80) });
        }
    }
    all
}

/// Characters of the body of a private key, its headers and the escapes of a string it may stand in.
fn of_a_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=\r\n\t \\,:\"".contains(&byte)
}

fn run_of_base64(text: &[u8]) -> usize {
    text.split(|b| !Of::Base64.has(*b)).map(<[u8]>::len).max().unwrap_or(0)
}
