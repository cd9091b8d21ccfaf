//! From a model's reply to new file bytes, or a refusal that helps.
