//! SVG to PNG. In: a drawing of this crate. Out: the bytes of a PNG file in light colours.
//!
//! Words are drawn in a font that is part of the program. Only where a drawing has letters that it lacks, such as Han characters, are the machine's
//! fonts asked too.

use std::sync::{Arc, OnceLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use crate::ReportError;

/// The end of the scripts that the font has whole: Latin, Greek, Cyrillic.
const OWN: char = '\u{0530}';

/// Draws an SVG, `scale` pixels for each unit.
///
/// # Errors
/// When it is no SVG, or would be larger than memory.
pub fn png(svg: &str, scale: f32) -> Result<Vec<u8>, ReportError> {
    let options = Options { fontdb: fonts(svg), font_family: FAMILY.into(), ..Options::default() };
    let wrong = |reason: String| ReportError::Draw { reason };
    let tree = Tree::from_str(svg, &options).map_err(|error| wrong(error.to_string()))?;
    let size = tree.size();
    let (width, height) = ((size.width() * scale).ceil(), (size.height() * scale).ceil());
    let mut pixels = Pixmap::new(width as u32, height as u32)
        .ok_or_else(|| wrong(format!("{width} × {height} pixels are none, or too many")))?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| wrong(error.to_string()))
}

const FAMILY: &str = "DejaVu Sans";

fn fonts(svg: &str) -> Arc<fontdb::Database> {
    static BUNDLED: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    static ALL: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let bundled = || {
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(dejavu::sans::regular().to_vec());
        fonts.load_font_data(dejavu::sans::bold().to_vec());
        fonts.set_sans_serif_family(FAMILY);
        fonts
    };
    // Typographic punctuation and arrows are in the font, too.
    let known = |letter: char| letter < OWN || ('\u{2000}'..'\u{2600}').contains(&letter);
    if svg.chars().all(known) {
        return Arc::clone(BUNDLED.get_or_init(|| Arc::new(bundled())));
    }
    let all = ALL.get_or_init(|| {
        let mut fonts = bundled();
        fonts.load_system_fonts();
        Arc::new(fonts)
    });
    Arc::clone(all)
}
