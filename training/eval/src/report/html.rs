//! The report as one page. In: a report. Out: HTML with its styles, plots and script in it: it loads nothing, and can be sent to anybody.

use minijinja::value::{Serde, Value};
use minijinja::{Environment, context};

use super::{Report, markdown, plot};
use crate::error::EvalError;

/// What the columns mean.
pub(super) const LEGEND: &str = "“Right” is everything as expected: an accepted answer, or abstention where that is expected. \
“Hits@1” is of all turns that expect an answer, abstentions counting as misses; “in text” has an accepted answer in its words. “Wrong” answers, and wrongly or where it should not. \
“Unsupported sent” is by an audit that looks each cited fact up in the graph again and seeks each name, number and date of a sentence in them. \
“Own words” is the share of sentences with facts that the model worded. Times include waiting for the questions that are asked at the same time.";

const PAGE: &str = include_str!("page.html");

pub(super) fn page(report: &Report) -> Result<String, EvalError> {
    let mut environment = Environment::new();
    // The name's ending has everything escaped that is put in.
    environment.add_template("page.html", PAGE)?;
    let row = |start: Vec<&str>, measures| {
        let start: Vec<String> = start.into_iter().map(str::to_owned).collect();
        start.into_iter().chain(markdown::cells(measures)).collect::<Vec<String>>()
    };
    let rows: Vec<_> =
        report.rows.iter().map(|r| row(vec![&r.set, &r.phrasing, &r.system], &r.measures)).collect();
    let breakdowns: Vec<Value> = report
        .breakdowns
        .iter()
        .map(|breakdown| {
            let rows: Vec<_> =
                breakdown.groups.iter().map(|group| row(vec![&group.name], &group.measures)).collect();
            context! {
                title => format!("{}, {}, by {}", breakdown.set, breakdown.system, breakdown.by),
                by => breakdown.by.as_str(),
                plot => Value::from_safe_string(plot::accuracies(breakdown)),
                rows => rows,
            }
        })
        .collect();
    let page = environment.get_template("page.html")?.render(context! {
        title => report.title.as_str(),
        version => report.version.as_str(),
        run => Value::from(Serde(&report.run)),
        legend => LEGEND,
        columns => markdown::COLUMNS,
        rows => rows,
        outcomes => Value::from_safe_string(plot::outcomes(&report.rows)),
        latency => Value::from_safe_string(plot::latencies(&report.latency)),
        breakdowns => breakdowns,
        lists => [
            context! { title => "Unsupported claims that were sent", all => Value::from(Serde(&report.unsupported)) },
            context! { title => "Failures by stage", all => Value::from(Serde(&report.failures)) },
        ],
    })?;
    Ok(page)
}
