//! What people think of replies, and what they asked in vain. In: since when. Out: rows, and the feedback as a table to download.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp as Moment;
use loquat_contract::Timestamp;
use serde::Deserialize;

use super::{Answer, Desk, NO_STORE, answer, asked, days_ago};
use crate::operations::{Feedback, Gap, Problem};

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Since {
    days: Option<u32>,
}

pub(super) async fn list(
    State(desk): State<Desk>,
    query: Result<Query<Since>, QueryRejection>,
) -> Answer<Vec<Feedback>> {
    answer(newest_first(&desk, asked(query)?).await?)
}

async fn newest_first(desk: &Desk, since: Since) -> Result<Vec<Feedback>, Problem> {
    let mut found = desk.operations.feedback(days_ago(since.days)).await?;
    found.sort_by_key(|one| std::cmp::Reverse(one.at));
    Ok(found)
}

pub(super) async fn gaps(
    State(desk): State<Desk>,
    query: Result<Query<Since>, QueryRejection>,
) -> Answer<Vec<Gap>> {
    answer(desk.operations.gaps(days_ago(asked(query)?.days)).await?)
}

pub(super) async fn csv(
    State(desk): State<Desk>,
    query: Result<Query<Since>, QueryRejection>,
) -> Result<Response, Problem> {
    let rows = newest_first(&desk, asked(query)?).await?;
    let mut text = String::from("\u{feff}reply,at,verdict,text,question,answer,language,person\r\n");
    for one in &rows {
        let (reply, at) = (one.reply.to_string(), moment(one.at));
        let cells = [
            reply.as_str(),
            &at,
            one.verdict.as_deref().unwrap_or_default(),
            one.text.as_deref().unwrap_or_default(),
            &one.question,
            &one.answer,
            &one.language,
            &one.person,
        ];
        text += &cells.map(cell).join(",");
        text += "\r\n";
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"feedback.csv\""),
        NO_STORE,
    ];
    Ok((headers, text).into_response())
}

fn moment(at: Timestamp) -> String {
    let moment = i64::try_from(at.0).ok().and_then(|at| Moment::from_millisecond(at).ok());
    moment.map(|moment| format!("{moment:.0}")).unwrap_or_default()
}

/// A cell, as RFC 4180 writes it. One that a spreadsheet would take for a formula is made a text: anybody may write feedback.
fn cell(text: &str) -> String {
    // Full-width signs begin a formula in some spreadsheets, and white space before a sign is dropped by some.
    let is_formula = text.starts_with(['\t', '\r', '\n'])
        || text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    format!("\"{}{}\"", if is_formula { "'" } else { "" }, text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn no_cell_is_a_formula_and_none_ends_early() {
        assert_eq!(cell("a \"b\",\nc"), "\"a \"\"b\"\",\nc\"");
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\n=1", " =1", "＝1+1", "＠x"] {
            assert!(cell(formula).starts_with("\"'"), "{formula}");
        }
    }
}
