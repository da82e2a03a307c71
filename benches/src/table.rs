//! Tables in plain text.

/// Formats lines of cells as a table whose columns are as wide as their widest cell. The first column is aligned to the
/// left, the others to the right. The first line is the header.
#[must_use]
pub fn table<const COLUMNS: usize>(lines: &[[String; COLUMNS]]) -> String {
    let widths: [usize; COLUMNS] = std::array::from_fn(|column| {
        let cells = lines.iter().map(|line| line[column].chars().count());
        cells.max().unwrap_or(0)
    });
    let rule = widths.map(|width| "-".repeat(width));
    let (header, rest) = lines.split_at(lines.len().min(1));
    let mut text = String::new();
    for line in header.iter().chain([&rule]).chain(rest) {
        for (column, (cell, &width)) in line.iter().zip(&widths).enumerate() {
            if column == 0 {
                text += &format!("{cell:width$}");
            } else {
                text += &format!("  {cell:>width$}");
            }
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// The digits of a number in groups of three.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let lines = [["name", "ns"], ["long name", "1"], ["x", "1,000"]].map(|line| line.map(String::from));
        let expected = "name          ns\n---------  -----\nlong name      1\nx          1,000\n";
        assert_eq!(table(&lines), expected);
    }

    #[test]
    fn digits_are_grouped_from_the_right() {
        let shown = [0, 12, 123, 1234, 123_456, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "12", "123", "1,234", "123,456", "1,234,567"]);
    }
}
