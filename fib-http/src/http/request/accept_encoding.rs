//! Which content codings a client accepts (RFC 9110, section 12.5.3).

use hyper::header::{ACCEPT_ENCODING, HeaderMap};

use super::list::{split, weight};

/// Whether `Accept-Encoding` gives `gzip` a weight above 0 that is no lower than that of `identity`. Malformed elements are
/// ignored.
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let (mut gzip, mut identity, mut any) = (None, None, None);
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    for (coding, weight) in lines.flat_map(|line| split(line, ',')).filter_map(parse) {
        match coding.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => gzip = Some(weight),
            "identity" => identity = Some(weight),
            "*" => any = Some(weight),
            _ => {}
        }
    }
    let gzip = gzip.or(any).unwrap_or(0);
    gzip > 0 && gzip >= identity.unwrap_or(0)
}

/// A coding and its weight in thousandths.
fn parse(element: &str) -> Option<(&str, u16)> {
    match element.split_once(';') {
        None => Some((element.trim(), 1000)),
        Some((coding, parameter)) => {
            let (name, value) = parameter.trim().split_once('=')?;
            name.eq_ignore_ascii_case("q").then_some((coding.trim(), weight(value)?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_has_to_be_accepted_and_not_be_the_worse_choice() {
        for (lines, gzip) in [
            (&[][..], false),
            (&[""], false),
            (&["gzip"], true),
            (&["gzip, deflate, br, zstd"], true),
            (&["GZIP;q=0.5"], true),
            (&["x-gzip"], true),
            (&["deflate", "gzip"], true),
            (&["br"], false),
            (&["gzip;q=0"], false),
            (&["gzip;q=0, *"], false),
            (&["*"], true),
            (&["*;q=0"], false),
            (&["identity"], false),
            (&["identity, gzip"], true),
            (&["identity, gzip;q=0.9"], false),
            (&["identity;q=0.5, *;q=0.1"], false),
            (&["gzip ; q=0.1"], true),
            (&["gzip;x=1"], false),
            (&["gzip;q=2"], false),
            (&["\u{fc}", "gzip"], true),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(ACCEPT_ENCODING, line.parse().expect("a value"));
            }
            assert_eq!(accepts_gzip(&headers), gzip, "{lines:?}");
        }
    }
}
