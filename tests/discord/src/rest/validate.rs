//! Checks of a body, and how Discord says what is wrong with it, field by field.

use serde_json::{Value, json};

use super::error::ApiError;

/// What is wrong with a body so far.
#[derive(Debug, Default)]
pub(super) struct Form {
    errors: Value,
}

impl Form {
    /// Something is wrong with the field at this path; numbers are places in a list.
    pub(super) fn wrong(&mut self, path: &str, code: &str, message: &str) {
        let mut at = &mut self.errors;
        for step in path.split('.') {
            if !at.is_object() {
                *at = json!({});
            }
            at = &mut at[step];
        }
        if !at.is_object() {
            *at = json!({});
        }
        let error = json!({"code": code, "message": message});
        match &mut at["_errors"] {
            Value::Array(errors) => errors.push(error),
            none => *none = json!([error]),
        }
    }

    /// Text of at most so many characters (code points). `None` where there is none.
    pub(super) fn text<'a>(&mut self, path: &str, value: &'a Value, longest: usize) -> Option<&'a str> {
        match value {
            Value::Null => None,
            Value::String(text) => {
                if text.chars().count() > longest {
                    let message = format!("Must be {longest} or fewer in length.");
                    self.wrong(path, "BASE_TYPE_MAX_LENGTH", &message);
                }
                Some(text)
            }
            _ => {
                self.wrong(path, "BASE_TYPE_BAD_TYPE", "Only strings are allowed here.");
                None
            }
        }
    }

    /// Text that has to be there.
    pub(super) fn needed<'a>(&mut self, path: &str, value: &'a Value, longest: usize) -> Option<&'a str> {
        let text = self.text(path, value, longest);
        if text.is_none_or(str::is_empty) {
            self.wrong(path, "BASE_TYPE_REQUIRED", "This field is required");
        }
        text
    }

    /// A list of at most so many.
    pub(super) fn list<'a>(&mut self, path: &str, value: &'a Value, most: usize) -> &'a [Value] {
        match value {
            Value::Null => &[],
            Value::Array(list) => {
                if list.len() > most {
                    let message = format!("Must be {most} or fewer in length.");
                    self.wrong(path, "BASE_TYPE_MAX_LENGTH", &message);
                }
                list
            }
            _ => {
                self.wrong(path, "BASE_TYPE_BAD_TYPE", "Only iterables may be used in a ListType");
                &[]
            }
        }
    }

    /// Fine, or everything that is wrong.
    pub(super) fn done(self) -> Result<(), ApiError> {
        if self.errors.is_null() { Ok(()) } else { Err(ApiError::form(self.errors)) }
    }
}
