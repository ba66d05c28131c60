//! Pages say what they were given, whatever is in it.

use super::{Page, Table};

#[test]
fn tables_hold_any_text() {
    let mut table = Table::new(&["name", "loss"]);
    table.rows.push(vec!["a|b, \"c\"\nd".into(), "2.5".into()]);
    table.rows.push(vec!["e".into(), "–".into()]);
    assert_eq!(table.csv(), "name,loss\r\n\"a|b, \"\"c\"\"\nd\",2.5\r\ne,–\r\n");
    assert_eq!(table.markdown(), "| name | loss |\n| --- | --: |\n| a\\|b, \"c\" d | 2.5 |\n| e | – |\n");
}

#[test]
fn a_page_comes_with_its_drawings() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("report");
    let mut page = Page::new(&folder, "A *run*").unwrap();
    page.heading("Recipe").listing("toml", "text = '''\n```\n'''\n").facts([("base", "smollm2_x".into())]);
    page.table(&Table::new(&["empty"]));
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"10\" height=\"5\"><rect width=\"10\" height=\"5\"/></svg>";
    let png = page.plot("loss", "Loss", svg).unwrap();
    let path = page.write("report.md").unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    assert_eq!(
        text,
        "# A \\*run\\*\n\n## Recipe\n\n````toml\ntext = '''\n```\n'''\n````\n\n- base: smollm2\\_x\n\n![Loss](plots/loss.svg)\n"
    );
    assert_eq!(std::fs::read(folder.join("plots/loss.png")).unwrap(), png);
    assert_eq!(std::fs::read_to_string(folder.join("plots/loss.svg")).unwrap(), svg);
    // Twice as many pixels as units.
    assert_eq!((&png[16..20], &png[20..24]), ([0, 0, 0, 20].as_slice(), [0, 0, 0, 10].as_slice()));
}

#[test]
fn what_cannot_be_drawn_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut page = Page::new(folder.path(), "x").unwrap();
    assert!(page.plot("loss", "Loss", "no drawing").is_err());
}
