//! The older text format of Prometheus, made from that of `OpenMetrics`.
//!
//! What differs in the metrics here: counters are declared with their suffix, there is no type for info, and there is no
//! end mark.

/// The media type of the text format.
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Turns text in the format of `OpenMetrics` into the older format.
pub(crate) fn from_openmetrics(text: &str) -> String {
    let mut result = String::with_capacity(text.len() + text.len() / 16);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        // A family begins with its help, and its type follows.
        let family = line.strip_prefix("# HELP ").and_then(|help| Some((help, lines.peek()?.strip_prefix("# TYPE ")?)));
        if let Some((help, declared)) = family {
            let (name, help) = help.split_once(' ').unwrap_or((help, ""));
            let (suffix, kind) = match declared.rsplit_once(' ').map_or("", |(_, kind)| kind) {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                kind => ("", kind),
            };
            result.push_str(&format!("# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}\n"));
            lines.next();
        } else if !line.starts_with('#') {
            result.push_str(line);
            result.push('\n');
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_types_are_those_of_the_older_format() {
        let openmetrics = "\
# HELP x_build The program.
# TYPE x_build info
x_build_info{version=\"1\"} 1
# HELP x_requests Requests answered, by route.
# TYPE x_requests counter
x_requests_total{route=\"# HELP\"} 2
# HELP x_time_seconds Time.
# TYPE x_time_seconds histogram
# UNIT x_time_seconds seconds
x_time_seconds_sum 0.5
# HELP x_cut Nothing yet.
# TYPE x_cut counter
# HELP x_level A level.
# TYPE x_level gauge
x_level 3
# EOF
";
        let text = "\
# HELP x_build_info The program.
# TYPE x_build_info gauge
x_build_info{version=\"1\"} 1
# HELP x_requests_total Requests answered, by route.
# TYPE x_requests_total counter
x_requests_total{route=\"# HELP\"} 2
# HELP x_time_seconds Time.
# TYPE x_time_seconds histogram
x_time_seconds_sum 0.5
# HELP x_cut_total Nothing yet.
# TYPE x_cut_total counter
# HELP x_level A level.
# TYPE x_level gauge
x_level 3
";
        assert_eq!(from_openmetrics(openmetrics), text);
    }
}
