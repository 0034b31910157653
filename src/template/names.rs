//! The names that a template may call, for suggestions.

/// The kind of an unknown name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownKind {
    /// `value | name`.
    Filter,
    /// `value is name`.
    Test,
    /// `name(…)`.
    Function,
    /// `value.name(…)`: texts, numbers, lists and tables have none.
    Method,
}

/// The known names of filters, tests or functions, for suggestions.
pub fn known_names(kind: UnknownKind) -> impl Iterator<Item = &'static str> {
    let names = match kind {
        UnknownKind::Filter => {
            "abs attr batch bool capitalize chain count d default dictsort escape e first float format \
             groupby indent int items join last length lines list lower map matches max min pprint reject \
             rejectattr replace reverse round safe select selectattr slice sort split string sum title trim \
             unique upper zip"
        }
        UnknownKind::Test => {
            "boolean defined divisibleby endingwith eq equalto escaped even false filter float ge greaterthan \
             gt in int integer iterable le lessthan lower lt mapping ne none number odd safe sameas sequence \
             startingwith string test true undefined upper"
        }
        UnknownKind::Function => "range dict",
        UnknownKind::Method => "",
    };
    names.split_whitespace()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::ENGINE;
    use super::*;

    /// The engine's own names, quoted in its debug output.
    fn engine(part: &str) -> BTreeSet<String> {
        let shown = format!("{:?}", *ENGINE);
        let (_, list) = shown.split_once(&format!("{part}: [")).unwrap();
        let (list, _) = list.split_once(']').unwrap();
        let names = list.split(", ").map(|name| name.trim_matches('"'));
        let writable = names.filter(|name| name.starts_with(char::is_alphabetic));
        writable.map(str::to_owned).collect()
    }

    /// The names in the table of a section of the reference.
    fn page(section: &str) -> BTreeSet<String> {
        let page = include_str!("../../docs/templates.md");
        let (_, section) = page.split_once(&format!("### {section}\n")).unwrap();
        let table = section.lines().skip_while(|line| !line.starts_with('|'));
        let rows = table.take_while(|line| line.starts_with('|')).skip(2);
        let cells = rows.filter_map(|row| row.split('|').nth(1));
        let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
        let bare = names.map(|name| name.split('(').next().unwrap_or(name).to_owned());
        bare.collect()
    }

    #[test]
    fn the_reference_and_the_suggestions_name_what_the_engine_has() {
        let known = |kind| -> BTreeSet<String> { known_names(kind).map(str::to_owned).collect() };
        for (section, part, kind) in [
            ("Filters", "filters", UnknownKind::Filter),
            ("Tests", "tests", UnknownKind::Test),
        ] {
            assert_eq!(known(kind), engine(part), "{section}");
            assert_eq!(page(section), engine(part), "{section}");
        }
        let functions: BTreeSet<_> = ENGINE.globals().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(known(UnknownKind::Function), functions);
        assert_eq!(page("Functions"), functions);
    }
}
