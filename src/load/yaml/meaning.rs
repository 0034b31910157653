//! The meanings of the parser's errors.

use granit_parser::ErrorKind;

/// The meaning of an error for an author of rules, and the remedy.
pub(super) type Meaning = (&'static str, &'static str);

const INDENTATION: &str =
    "check its indentation: keys of one mapping, and items of one list, begin in the same column";

pub(super) const NOT_CLOSED_LIST: Meaning = (
    "this list is not closed",
    "a list that begins with `[` ends with `]`, and has a `,` between two items",
);

pub(super) const NOT_CLOSED_MAP: Meaning = (
    "this mapping is not closed",
    "a mapping that begins with `{` ends with `}`, and has a `,` between two keys",
);

pub(super) const MISFIT: Meaning = ("this line does not fit the lines above it", INDENTATION);

pub(super) const BEHIND_VALUE: Meaning = (
    "this follows the end of the value",
    "put the whole value in one pair of quotes",
);

pub(super) const COLON: Meaning = (
    "a value with `: ` in it needs quotes",
    "put the whole value in quotes",
);

pub(super) const ALIAS: Meaning = (
    "a `*` here begins an alias",
    "put text that begins with `*` in quotes",
);

/// The meaning of an error within a value.
pub(super) const fn of_values(kind: &ErrorKind) -> Option<Meaning> {
    Some(match kind {
        ErrorKind::UnknownQuotedScalarEscape => (
            "this escape does not exist",
            "between double quotes a backslash is written `\\\\`; between single quotes it stays as it is",
        ),
        ErrorKind::InvalidQuotedScalarHexEscape
        | ErrorKind::InvalidLowSurrogateHexEscape
        | ErrorKind::InvalidLowSurrogate
        | ErrorKind::MissingLowSurrogate
        | ErrorKind::UnpairedLowSurrogate
        | ErrorKind::InvalidUnicodeEscape => (
            "this escape is not complete",
            "`\\x` takes two hexadecimal digits, `\\u` four, `\\U` eight",
        ),
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::DocumentIndicatorInQuotedScalar => (
            "this string is not closed",
            "a string that begins with a quote ends with the same quote",
        ),
        ErrorKind::InvalidTrailingSingleQuotedScalar
        | ErrorKind::InvalidTrailingDoubleQuotedScalar => BEHIND_VALUE,
        ErrorKind::UnknownAnchor => (
            "there is no anchor with this name",
            "text that begins with `*` goes in quotes; an alias (`*name`) needs its anchor (`&name`) above it",
        ),
        ErrorKind::MissingAnchorOrAliasName => (
            "a `&` here begins an anchor",
            "put text that begins with `&` in quotes",
        ),
        ErrorKind::UnexpectedCharacter { .. }
        | ErrorKind::PlainScalarStartsWithDashFlowIndicator => (
            "a value can't begin with this character",
            "put the value in quotes",
        ),
        ErrorKind::InvalidBlockScalarHeader
        | ErrorKind::ZeroBlockScalarIndent
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::InvalidBlockScalarIndent => (
            "this block of text can't be read",
            "only a comment may follow `|` or `>`; the text begins on the next line, indented",
        ),
        ErrorKind::TabInPlainScalar
        | ErrorKind::UnexpectedEndOfPlainScalar
        | ErrorKind::CommentInterceptedScalar
        | ErrorKind::InvalidFlowScalarIndent => {
            ("this value can't be read", "put the value in quotes")
        }
        ErrorKind::UndeclaredTagHandle
        | ErrorKind::ExpectedTagBang
        | ErrorKind::InvalidGlobalTagCharacter
        | ErrorKind::InvalidTagTerminator
        | ErrorKind::MissingTagUri
        | ErrorKind::UnclosedVerbatimTag
        | ErrorKind::InvalidTagEscape
        | ErrorKind::InvalidTagUtf8LeadingByte
        | ErrorKind::InvalidTagUtf8TrailingByte
        | ErrorKind::InvalidTagUtf8 => (
            "a `!` here begins a tag",
            "put text that begins with `!` in quotes",
        ),
        _ => return None,
    })
}

/// The meaning of an error between values.
pub(super) const fn of_structure(kind: &ErrorKind) -> Option<Meaning> {
    Some(match kind {
        ErrorKind::MappingValueNotAllowed => (
            "this line is read as a part of the value above it",
            INDENTATION,
        ),
        ErrorKind::MappingKeyNotAllowed => ("a key is not allowed here", INDENTATION),
        ErrorKind::BlockSequenceEntryNotAllowed => (
            "a list item (`- `) is not allowed here",
            "begin the list on a line of its own",
        ),
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => (
            "this key has no `: ` after it",
            "write `key: value`; a long value goes in quotes",
        ),
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation => {
            ("there is a tab in the indentation", "indent with spaces")
        }
        ErrorKind::ExpectedDocumentStart | ErrorKind::InvalidDocumentEnd => {
            ("there is text after the end of the document", INDENTATION)
        }
        ErrorKind::ExpectedNodeContent
        | ErrorKind::UnexpectedEof
        | ErrorKind::UnexpectedEofBlockMapping
        | ErrorKind::UnexpectedEofBlockSequence => (
            "there is no value here",
            "a value is missing before this character",
        ),
        ErrorKind::ExpectedWhitespace
        | ErrorKind::CommentNotSeparated
        | ErrorKind::InvalidBlockEntryWhitespace
        | ErrorKind::InvalidMappingValueWhitespace
        | ErrorKind::FlowMappingValueAdjacentCollection => {
            ("a space is missing here", "put a space after it")
        }
        ErrorKind::DuplicateVersionDirective
        | ErrorKind::UnsupportedYamlMajorVersion
        | ErrorKind::DuplicateTagDirective
        | ErrorKind::MissingDocumentEndBeforeDirective
        | ErrorKind::ExpectedTagDirectiveBang
        | ErrorKind::InvalidDirectiveTerminator
        | ErrorKind::MissingYamlVersionSeparator
        | ErrorKind::MissingDirectiveName
        | ErrorKind::InvalidDirectiveName
        | ErrorKind::DirectiveByteLimitExceeded { .. }
        | ErrorKind::YamlVersionTooLong
        | ErrorKind::MissingYamlVersion
        | ErrorKind::InvalidTagDirectiveTerminator => (
            "a line that begins with `%` is a YAML directive",
            "put text that begins with `%` in quotes",
        ),
        _ => return None,
    })
}
