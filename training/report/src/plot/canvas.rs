//! The SVG that is written to, and its colours. In: shapes with classes. Out: one `<svg>` with a style sheet that knows light and dark.

use std::fmt::Write as _;

/// How many colours series have; after that they begin again.
pub(super) const COLOURS: usize = 8;

/// Colours that differ for those who see few of them too, on white and on black (Okabe and Ito 2008, the lightest darkened): what is light, what is dark.
const PALETTE: [(&str, &str); COLOURS] = [
    ("#0072b2", "#56b4e9"),
    ("#d55e00", "#ff9147"),
    ("#00805f", "#2bd4a4"),
    ("#aa4499", "#e08fd0"),
    ("#8a6d00", "#f0d442"),
    ("#5b5fc7", "#a5a8ff"),
    ("#b3003c", "#ff7a9c"),
    ("#4d4d4d", "#c4c4c4"),
];

/// An SVG in the making.
#[derive(Debug)]
pub(super) struct Canvas {
    svg: String,
}

/// Where a text stands to its point.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Canvas {
    pub(super) fn new(width: f64, height: f64, title: &str) -> Self {
        let title = escape(title);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"{title}\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\"><title>{title}</title><style>"
        );
        svg.push_str("text{font-family:'DejaVu Sans',Verdana,sans-serif;font-size:12px;stroke:none}.line{fill:none;stroke-width:2;stroke-linejoin:round}.faint{fill:none;stroke-width:1;stroke-opacity:.4;stroke-linejoin:round}.dot{stroke:none;fill-opacity:.85}.grid{stroke-width:1}.title{font-size:15px;font-weight:bold}");
        let sheet = |ground: &str, ink: &str, quiet: &str, grid: &str, dark: bool| {
            let mut rules = format!(
                ".ground{{fill:{ground}}}text{{fill:{ink}}}.quiet{{fill:{quiet}}}.grid{{stroke:{grid}}}"
            );
            for (at, colours) in PALETTE.iter().enumerate() {
                let colour = if dark { colours.1 } else { colours.0 };
                put(&mut rules, format_args!(".s{at}{{stroke:{colour}}}.f{at}{{fill:{colour}}}"));
            }
            rules
        };
        svg.push_str(&sheet("#ffffff", "#1f2328", "#59636e", "#d8dee4", false));
        // What draws pixels knows no such rule and takes the colours above.
        let dark = sheet("#0d1117", "#f0f6fc", "#9198a1", "#30363d", true);
        put(&mut svg, format_args!("@media (prefers-color-scheme:dark){{{dark}}}</style>"));
        put(&mut svg, format_args!("<rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>"));
        Self { svg }
    }

    pub(super) fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, class: &str, text: &str) {
        let anchor = anchor.name();
        put(
            &mut self.svg,
            format_args!(
                "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
                escape(text)
            ),
        );
    }

    /// A text that runs upwards.
    pub(super) fn upright(&mut self, (x, y): (f64, f64), class: &str, text: &str) {
        put(
            &mut self.svg,
            format_args!(
                "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 {x:.1} {y:.1})\">{}</text>",
                escape(text)
            ),
        );
    }

    pub(super) fn line(&mut self, class: &str, points: &[(f64, f64)]) {
        if let [(x, y)] = points {
            // A line of one point would not be seen.
            let fill = class.split(' ').find_map(|class| class.strip_prefix('s')).unwrap_or_default();
            return self.dot(&format!("dot f{fill}"), (*x, *y), "");
        }
        let path = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ");
        put(&mut self.svg, format_args!("<polyline class=\"{class}\" points=\"{path}\"/>"));
    }

    /// A dot, which says something where it is pointed at.
    pub(super) fn dot(&mut self, class: &str, (x, y): (f64, f64), says: &str) {
        let says = if says.is_empty() { String::new() } else { format!("<title>{}</title>", escape(says)) };
        put(
            &mut self.svg,
            format_args!("<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\">{says}</circle>"),
        );
    }

    pub(super) fn finish(mut self) -> String {
        self.svg.push_str("</svg>\n");
        self.svg
    }
}

impl Anchor {
    fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

/// Text in which nothing is a mark, without the control characters that XML forbids.
fn escape(text: &str) -> String {
    let text: String = text.chars().filter(|&letter| !letter.is_control()).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn put(into: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing into a text cannot fail.
    let _ = into.write_fmt(what);
}
