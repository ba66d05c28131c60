//! Tables that are too wide become lists. In: a tree, and how many columns of a fixed-width font there are. Out: a tree that says the same.

use super::render::columns;
use super::{Block, Document, Format, Inline};

/// What stands between the columns.
const RULE: usize = " | ".len();

impl Document {
    /// The same with no table wider than so many columns of a fixed-width font; a wider one becomes a list with an item for each
    /// row, which begins with the row's first cell. East Asian characters take two columns.
    pub fn with_tables_within(&self, limit: usize) -> Self {
        Self { blocks: self.blocks.iter().flat_map(|block| narrowed(block, limit)).collect() }
    }
}

fn narrowed(block: &Block, limit: usize) -> Vec<Block> {
    match block {
        Block::Table { header, rows } if width(header, rows) > limit => records(header, rows),
        Block::List { start, items } => {
            let items = items.iter().map(|item| item.with_tables_within(limit)).collect();
            vec![Block::List { start: *start, items }]
        }
        Block::Quote(inner) => vec![Block::Quote(inner.with_tables_within(limit))],
        other => vec![other.clone()],
    }
}

fn width(header: &[Vec<Inline>], rows: &[Vec<Vec<Inline>>]) -> usize {
    let count = rows.iter().map(Vec::len).chain([header.len()]).max().unwrap_or_default();
    let widest = |column: usize| {
        let cells = rows.iter().map(Vec::as_slice).chain([header]).filter_map(|row| row.get(column));
        cells.map(|cell| columns(&words(cell))).max().unwrap_or_default()
    };
    (0..count).map(widest).sum::<usize>() + RULE * count.saturating_sub(1)
}

fn words(cell: &[Inline]) -> String {
    Document { blocks: vec![Block::Paragraph(cell.to_vec())] }.render(Format::Plain)
}

/// A list in place of a table. With two columns the heads stand once above it, with more before each cell.
fn records(header: &[Vec<Inline>], rows: &[Vec<Vec<Inline>>]) -> Vec<Block> {
    let text = |text: &str| Inline::Text(text.to_owned());
    let is_pairs = header.len() == 2;
    let item = |row: &Vec<Vec<Inline>>| {
        let mut line = Vec::new();
        for (column, cell) in row.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            // Only the first column needs no head: it says what the row is about.
            if column == 0 {
                line.push(Inline::Strong(cell.clone()));
                continue;
            }
            if is_pairs {
                line.push(text(": "));
            } else {
                line.extend((!line.is_empty()).then_some(Inline::Break));
                let head = header.get(column).filter(|head| !head.is_empty());
                line.extend(head.into_iter().flatten().cloned());
                line.extend(head.map(|_| text(": ")));
            }
            line.extend(cell.iter().cloned());
        }
        Document { blocks: vec![Block::Paragraph(line)] }
    };
    if rows.is_empty() {
        return header.iter().filter(|head| !head.is_empty()).cloned().map(Block::Paragraph).collect();
    }
    let mut blocks = Vec::new();
    if is_pairs && header.iter().any(|head| !head.is_empty()) {
        let heads = header.iter().filter(|head| !head.is_empty());
        let heads: Vec<Inline> = heads.cloned().collect::<Vec<_>>().join(&text(": "));
        blocks.push(Block::Paragraph(vec![Inline::Emphasis(heads)]));
    }
    blocks.push(Block::List { start: None, items: rows.iter().map(item).collect() });
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrow(markdown: &str, limit: usize) -> String {
        Document::from_markdown(markdown).with_tables_within(limit).render(Format::Markdown)
    }

    #[test]
    fn a_table_that_fits_stays_and_a_wider_one_is_a_list() {
        let table = "| a | b |\n| --- | --- |\n| one | two |";
        assert_eq!(narrow(table, 9), table);
        assert_eq!(narrow(table, 8), "*a: b*\n\n- **one**: two");
        let chinese = "| 国家 | 首都 |\n| --- | --- |\n| 不丹 | 廷布 |";
        assert_eq!(narrow(chinese, 11), chinese);
        assert_eq!(narrow(chinese, 10), "*国家: 首都*\n\n- **不丹**: 廷布");
    }

    #[test]
    fn with_more_columns_each_cell_has_its_head_and_empty_cells_are_left_out() {
        let table = "| | Where | `How` |\n|---|---|---|\n| **Ann** | here | |\n| Bob | | *so* |";
        assert_eq!(narrow(table, 5), "- **Ann**  \n  Where: here\n- **Bob**  \n  `How`: *so*");
    }

    #[test]
    fn a_row_without_a_first_cell_keeps_its_heads_and_a_table_without_rows_its_header() {
        let table = "| City | Country | People |\n|---|---|---|\n| | Norway | 5 |";
        assert_eq!(narrow(table, 5), "- Country: Norway  \n  People: 5");
        assert_eq!(narrow("| City | Country | People |\n|---|---|---|", 5), "City\n\nCountry\n\nPeople");
        assert_eq!(narrow("| City | Country |\n|---|---|\n| | Norway |", 5), "*City: Country*\n\n- : Norway");
    }

    #[test]
    fn tables_in_lists_and_quotes_are_narrowed_too() {
        let table = "- item\n\n  | a | b |\n  | --- | --- |\n  | 1 | 2 |\n\n> | a | b |\n> | --- | --- |\n> | 1 | 2 |";
        let narrowed = Document::from_markdown(table).with_tables_within(3);
        assert!(!format!("{narrowed:?}").contains("Table"), "{narrowed:?}");
        assert!(!narrowed.render(Format::Plain).contains('|'), "{narrowed:?}");
    }
}
