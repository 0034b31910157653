//! This program's own pages, with all inserted values escaped for HTML.

use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde_json::Value;

/// Fills in a page of the program. An error is a defect of the page, and is shown in its place.
pub fn page(source: &str, values: &Value) -> String {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Chainable);
    engine.set_auto_escape_callback(|_| AutoEscape::Html);
    let filled = engine.render_str(source, minijinja::value::Serde(values));
    filled.unwrap_or_else(|error| format!("this page cannot be made: {error:#}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_put_in_is_escaped() {
        let values = json!({"name": "<b>\"&'</b>"});
        let page = page(
            "<p title=\"{{ name }}\">{{ name }}</p>{{ none.of.it }}",
            &values,
        );
        assert!(!page.contains("<b>"), "{page}");
        assert!(
            page.starts_with("<p title=\"&lt;b&gt;&quot;&amp;"),
            "{page}"
        );
    }
}
