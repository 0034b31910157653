//! `schema`: the JSON Schemas of files and outputs, for editors and programs.

use clap::{Args, ValueEnum};

use crate::load::schema;

use crate::cli::shared::{Command, Context, Exit, Group, print};

/// Prints the JSON Schema of a file format.
///
/// With the schema, an editor completes and checks rules while you type:
///
///     patroni_barman schema rules > rules.schema.json
///
/// Name it in the first line of the rules file:
///
///     # yaml-language-server: $schema=rules.schema.json
///
/// Exit codes: 0 printed; 2 unknown name.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Schema {
    /// The schema.
    #[arg(value_name = "NAME")]
    pub name: SchemaName,
}

/// The schemas there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaName {
    /// The rules file.
    Rules,
    /// The body of a request to pg-backup-api.
    Request,
    /// The output of `check --format json`.
    Check,
    /// A file of rule tests.
    RuleTests,
    /// The output of `test --format json`.
    Test,
    /// The output of `matrix --format json`.
    Matrix,
    /// The output of `diff --format json`.
    Diff,
    /// The output of `plan --format json`.
    Plan,
    /// The output of `run --format json`.
    Run,
    /// The output of `reconcile --format json`.
    Reconcile,
    /// The output of `status --format json`.
    Status,
    /// The output of `history --format json`.
    History,
    /// The answer of the agent's `/api/status`.
    Agent,
    /// The message to the receivers of `notify`.
    Notification,
}

impl Command for Schema {
    const GROUP: Group = Group::Rules;

    fn run(&self, _context: &Context) -> Result<u8, Exit> {
        print(match self.name {
            SchemaName::Rules => schema::RULES,
            SchemaName::Request => schema::REQUEST,
            SchemaName::Check => schema::CHECK,
            SchemaName::RuleTests => schema::RULE_TESTS,
            SchemaName::Test => schema::TEST,
            SchemaName::Matrix => schema::MATRIX,
            SchemaName::Diff => schema::DIFF,
            SchemaName::Plan => schema::PLAN,
            SchemaName::Run => schema::RUN,
            SchemaName::Reconcile => schema::RECONCILE,
            SchemaName::Status => schema::STATUS,
            SchemaName::History => schema::HISTORY,
            SchemaName::Agent => schema::AGENT,
            SchemaName::Notification => schema::NOTIFICATION,
        });
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use schemars::generate::SchemaSettings;
    use schemars::transform::RecursiveTransform;
    use schemars::{JsonSchema, Schema};
    use serde_json::Value;

    use crate::alert::Message;
    use crate::diff::DiffOutput;
    use crate::evaluate::Plan;
    use crate::matrix::MatrixOutput;
    use crate::report::fleet::FleetOutput;
    use crate::report::{
        CheckOutput, HistoryOutput, ReconcileOutput, RunOutput, StatusOutput, TestOutput,
    };

    /// Says what is true of every output: an object has no other keys, and a description is one paragraph. The widths of
    /// integers are our affair, and a constant needs no type.
    fn tidy(schema: &mut Schema) {
        let Some(keywords) = schema.as_object_mut() else {
            return;
        };
        if keywords.contains_key("properties") {
            let more = keywords.entry("additionalProperties");
            more.or_insert(false.into());
        }
        if keywords
            .get("format")
            .is_some_and(|format| format != "date-time")
        {
            keywords.remove("format");
        }
        if keywords.contains_key("const") {
            keywords.remove("type");
        }
        if let Some(Value::String(text)) = keywords.get_mut("description") {
            *text = text.replace('\n', " ");
            assert!(!text.contains("[`"), "a link for Rust: {text}");
        }
    }

    fn schema<T: JsonSchema>(title: &str) -> String {
        let mut settings = SchemaSettings::draft2020_12().for_serialize();
        settings.transforms.clear();
        let settings = settings.with_transform(RecursiveTransform(tidy));
        let mut schema = settings.into_generator().into_root_schema_for::<T>();
        schema.insert("title".to_owned(), title.into());
        format!("{}\n", serde_json::to_string_pretty(&schema).unwrap())
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever runs the tests says that the schemas are to be written"
    )]
    fn the_schemas_of_outputs_are_made_of_their_types() {
        type Make = fn(&str) -> String;
        let all: [(&str, Make); 11] = [
            ("agent", schema::<FleetOutput<'_>>),
            ("check", schema::<CheckOutput<'_>>),
            ("diff", schema::<DiffOutput<'_>>),
            ("history", schema::<HistoryOutput<'_>>),
            ("matrix", schema::<MatrixOutput<'_, '_>>),
            ("notification", schema::<Message>),
            ("plan", schema::<Plan>),
            ("reconcile", schema::<ReconcileOutput<'_>>),
            ("run", schema::<RunOutput<'_>>),
            ("status", schema::<StatusOutput<'_>>),
            ("test", schema::<TestOutput<'_>>),
        ];
        for (name, make) in all {
            let schema = make(&format!("patroni_barman {name}"));
            let path = format!("{}/schemas/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
            let path = Path::new(&path);
            if std::env::var_os("UPDATE_CASES").is_some() {
                fs::write(path, &schema).unwrap();
            }
            assert!(
                fs::read_to_string(path).unwrap() == schema,
                "`UPDATE_CASES=1 cargo test --lib schemas` writes {} anew",
                path.display()
            );
        }
    }
}
