//! Keys for tests and measures, made up at random in the forms that their providers document, each in a line as it stands
//! in files; none is anybody's.

/// `{aN}` letters and digits, `{hN}` hexadecimal, `{uN}` letters, digits, `-` and `_`, `{UN}` upper-case letters and
/// digits, `{bN}` base64, `{dN}` digits. What stands between `[` and `]` is the secret.
pub const FORMS: [(&str, &str); 44] = [
    ("OpenAI", "OPENAI_API_KEY=[sk-proj-{u74}T3BlbkFJ{u74}]"),
    ("OpenAI, old", "key = \"[sk-{a20}T3BlbkFJ{a20}]\""),
    ("Anthropic", "x-api-key: [sk-ant-api03-{u93}AA]"),
    ("OpenRouter", "OPENROUTER_API_KEY=[sk-or-v1-{h64}]"),
    ("Google API", "\"key\": \"[AIza{u35}]\","),
    ("Google OAuth client", "secret: [GOCSPX-{u28}]"),
    ("Google OAuth token", "token [ya29.a0{u140}]"),
    ("Groq", "[gsk_{a52}]"),
    ("xAI", "api_key='[xai-{a80}]'"),
    ("Hugging Face", "HF_TOKEN=[hf_{a34}]"),
    ("Replicate", "[r8_{a37}]"),
    ("Perplexity", "Bearer [pplx-{a48}]"),
    ("GitHub, classic", "git clone https://[ghp_{a36}]@github.com/ada/x"),
    ("GitHub, fine-grained", "[github_pat_11{U20}_{a59}]"),
    ("GitHub, app", "token: [ghs_{a36}]"),
    ("GitLab", "PRIVATE-TOKEN: [glpat-{u20}]"),
    ("AWS id", "aws_access_key_id = [AKIA{B16}]"),
    ("AWS secret", "aws_secret_access_key = [{b40}]"),
    ("DigitalOcean", "[dop_v1_{h64}]"),
    ("Vault", "X-Vault-Token: [hvs.{u95}]"),
    ("Doppler", "[dp.pt.{a43}]"),
    ("Tailscale", "--authkey=[tskey-auth-{a17}-{a32}]"),
    ("Slack bot", "SLACK_TOKEN=[xoxb-{d12}-{d13}-{a24}]"),
    ("Slack hook", "curl https://[hooks.slack.com/services/T{U10}/B{U10}/{a24}]"),
    ("Stripe", "Stripe.api_key = \"[sk_live_{a99}]\""),
    ("Shopify", "[shpat_{h32}]"),
    ("SendGrid", "[SG.{u22}.{u43}]"),
    ("Mailgun", "api:[key-{h32}]"),
    ("npm", "//registry.npmjs.org/:_authToken=[npm_{a36}]"),
    ("PyPI", "password = [pypi-AgEIcHlwaS5vcmcC{u150}]"),
    ("crates.io", "token = \"[cio{a32}]\""),
    ("Docker", "[dckr_pat_{u27}]"),
    ("Databricks", "DATABRICKS_TOKEN=[dapi{h32}]"),
    ("Linear", "[lin_api_{a40}]"),
    ("Notion", "Authorization: Bearer [ntn_{a46}]"),
    ("Telegram", "https://api.telegram.org/bot[{d10}:AA{u33}]/getMe"),
    ("Grafana", "[glsa_{a32}_{h8}]"),
    ("Age", "[AGE-SECRET-KEY-1{U58}]"),
    ("JSON web token", "Cookie: s=[eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI{u40}.{u43}]"),
    ("Azure storage", "AccountKey=[{b86}==];EndpointSuffix=core.windows.net"),
    ("database address", "DATABASE_URL=postgres://app:[{a20}]@db.example.org:5432/app"),
    ("private key", "[-----BEGIN PRIVATE KEY-----\n{b64}\n{b64}\n{b44}\n-----END PRIVATE KEY-----]"),
    ("named, in JSON", "\"client_secret\": \"[{a40}]\","),
    ("named, in a file of variables", "SESSION_SECRET=[{b43}=]"),
];

/// Picks at random, and the same every time.
pub struct Dice(pub u64);

impl Dice {
    fn below(&mut self, many: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % many
    }

    fn text(&mut self, of: char, length: usize) -> String {
        let letters: String = match of {
            'd' => ('0'..='9').collect(),
            'h' => ('0'..='9').chain('a'..='f').collect(),
            'U' => ('0'..='9').chain('A'..='Z').collect(),
            // AWS numbers its keys in base32.
            'B' => ('2'..='7').chain('A'..='Z').collect(),
            _ => ('0'..='9').chain('A'..='Z').chain('a'..='z').collect(),
        };
        let more = match of {
            'u' => "-_",
            'b' => "+/",
            _ => "",
        };
        let letters: Vec<char> = letters.chars().chain(more.chars()).collect();
        (0..length).map(|_| letters[self.below(letters.len())]).collect()
    }

    /// A line of this form: what stands before the secret, the secret, and what stands behind it.
    pub fn line(&mut self, form: &str) -> [String; 3] {
        let (before, rest) = form.split_once('[').expect("a form has a secret");
        let (secret, after) = rest.split_once(']').expect("a form's secret ends");
        [before, secret, after].map(|part| self.filled(part))
    }

    fn filled(&mut self, form: &str) -> String {
        let mut parts = form.split('{');
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (what, rest) = part.split_once('}').expect("a brace closes");
            let (of, length) = what.split_at(1);
            text += &self.text(of.chars().next().expect("a letter"), length.parse().expect("a number"));
            text += rest;
        }
        text
    }
}

/// A way to write a text elsewhere, with its name.
pub type Spelling = (&'static str, fn(&str) -> String);

/// Every one.
pub const SPELLINGS: [Spelling; 5] =
    [("plain", str::to_owned), ("base64", base64), ("hex", hex), ("percent", percent), ("JSON", json)];

fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let bits = (0..3).fold(0usize, |bits, n| bits << 8 | usize::from(group.get(n).copied().unwrap_or(0)));
        let letter = |n: usize| if n <= group.len() { char::from(LETTERS[bits >> (18 - 6 * n) & 63]) } else { '=' };
        (0..4).map(letter).collect::<String>()
    };
    text.as_bytes().chunks(3).map(group).collect()
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// As `encodeURIComponent` does it, and every third character whatever it is.
fn percent(text: &str) -> String {
    let one = |(n, byte): (usize, u8)| match byte.is_ascii_alphanumeric() && n % 3 != 0 {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().enumerate().map(one).collect()
}

/// As the most careful of writers does it: slashes, and every third character as a number.
fn json(text: &str) -> String {
    let one = |(n, byte): (usize, u8)| match byte {
        b'\n' => "\\n".to_owned(),
        b'"' | b'\\' | b'/' => format!("\\{}", char::from(byte)),
        _ if n % 3 == 0 => format!("\\u{byte:04x}"),
        _ => char::from(byte).to_string(),
    };
    text.bytes().enumerate().map(one).collect()
}
