// What the form of the selector builder says, written as a selector in SQL or in XML (docs/selectors.md).

export type Source = "property" | "header" | "xpath" | "pointer";
export type Operator = "=" | "<>" | "<" | "<=" | ">" | ">=" | "like" | "in" | "matches" | "is null" | "is not null" | "is true";
export type ValueType = "string" | "long" | "decimal" | "double" | "boolean" | "dateTime";
export interface Condition {
  source: Source;
  name: string;
  operator: Operator;
  valueType: ValueType;
  value: string;
}
export interface SelectorForm {
  join: "and" | "or";
  conditions: Condition[];
}

export const headers = ["messageId", "correlationId", "type", "priority", "timestamp", "deliveryMode"] as const;
export const operators: Operator[] = ["=", "<>", "<", "<=", ">", ">=", "like", "in", "matches", "is null", "is not null", "is true"];
export const valueTypes: ValueType[] = ["string", "long", "decimal", "double", "boolean", "dateTime"];

const sqlHeaders: Record<string, string> = {
  messageId: "JMSMessageID",
  correlationId: "JMSCorrelationID",
  type: "JMSType",
  priority: "JMSPriority",
  timestamp: "JMSTimestamp",
  deliveryMode: "JMSDeliveryMode",
};
const keywords = new Set([
  "and",
  "or",
  "not",
  "between",
  "in",
  "like",
  "is",
  "null",
  "true",
  "false",
  "escape",
  "decimal",
  "timestamp",
  "duration",
  "xpath",
  "json",
  "property",
  "matches",
]);

export function needsValue(operator: Operator): boolean {
  return !operator.startsWith("is ");
}

/** Only these compare with other values than strings; LIKE, IN and MATCHES are for strings alone. */
export function needsType(operator: Operator): boolean {
  return /^[=<>]/.test(operator);
}

/** What is missing or wrong in a condition, in words for the form; null if nothing is. */
export function problemOf(condition: Condition): string | null {
  if (condition.name.trim() === "") return "Say which field.";
  if (!needsType(condition.operator)) return null;
  const value = condition.value.trim();
  if (condition.valueType === "long" && !/^-?\d+$/.test(value)) return "A long is a whole number.";
  if (condition.valueType === "decimal" && !/^-?\d+(\.\d+)?$/.test(value)) return "A decimal is written like 10000.00.";
  if (condition.valueType === "double" && !/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value)) return "A double is written like 1.5 or 7E3.";
  if (condition.valueType === "boolean" && !/^(true|false)$/i.test(value)) return "A boolean is true or false.";
  if (condition.valueType === "dateTime" && !/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(value)) {
    return "A time is written like 2026-12-31T23:59:59Z.";
  }
  return null;
}

export function toSql(form: SelectorForm): string {
  const terms = form.conditions.map(sqlTerm);
  return terms.join(form.join === "and" ? " AND " : " OR ");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function sqlField(condition: Condition): string {
  const { source, name } = condition;
  if (source === "header") return sqlHeaders[name] ?? name;
  if (source === "property") {
    const plain = /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name) && !keywords.has(name.toLowerCase());
    return plain ? name : `PROPERTY(${quoted(name)})`;
  }
  const field = source === "xpath" ? `XPATH(${quoted(name)})` : `JSON(${quoted(name)})`;
  // What is in a body is text (or a number of JSON): compared with another type it must be read as that.
  if (!needsType(condition.operator)) return field;
  const reading: Partial<Record<ValueType, string>> = {
    long: "LONG",
    decimal: "DECIMAL",
    double: "DOUBLE",
    boolean: "BOOLEAN",
    dateTime: "TIMESTAMP",
  };
  const read = reading[condition.valueType];
  return read ? `${read}(${field})` : field;
}

function sqlValue(condition: Condition): string {
  const value = condition.value.trim();
  switch (condition.valueType) {
    case "string":
      return quoted(condition.value);
    case "decimal":
      return `DECIMAL ${quoted(value)}`;
    case "dateTime":
      return `TIMESTAMP ${quoted(value)}`;
    case "boolean":
      return value.toUpperCase();
    case "double":
      return /[.eE]/.test(value) ? value : `${value}.0`;
    case "long":
      return value;
  }
}

function sqlTerm(condition: Condition): string {
  const field = sqlField(condition);
  switch (condition.operator) {
    case "is null":
      return `${field} IS NULL`;
    case "is not null":
      return `${field} IS NOT NULL`;
    case "is true":
      return condition.source === "xpath" ? `BOOLEAN(${field})` : field;
    case "like":
      return `${field} LIKE ${quoted(condition.value)}`;
    case "matches":
      return `MATCHES(${field}, ${quoted(condition.value)})`;
    case "in":
      return `${field} IN (${members(condition.value).map(quoted).join(", ")})`;
    default:
      return `${field} ${condition.operator} ${sqlValue(condition)}`;
  }
}

function members(value: string): string[] {
  return value
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

export function toXml(form: SelectorForm): string {
  const terms = form.conditions.map(xmlTerm);
  const body =
    terms.length === 1 ? `  ${terms[0]}` : `  <${form.join}>\n${terms.map((term) => `    ${term}`).join("\n")}\n  </${form.join}>`;
  return `<selector xmlns="urn:giromq:selector:1">\n${body}\n</selector>`;
}

function attribute(text: string): string {
  return `"${text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;").replaceAll("\n", "&#10;")}"`;
}

function xmlField(condition: Condition): string {
  const name = attribute(condition.name);
  if (condition.source === "header") return `<header name=${name}/>`;
  if (condition.source === "property") return `<property name=${name}/>`;
  const type =
    condition.operator === "is true" && condition.source === "xpath"
      ? "boolean"
      : needsType(condition.operator)
        ? condition.valueType
        : "string";
  const as = type === "string" ? "" : ` as="${type}"`;
  return condition.source === "xpath" ? `<body path=${name}${as}/>` : `<body pointer=${name}${as}/>`;
}

const xmlOperators: Partial<Record<Operator, string>> = { "=": "eq", "<>": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge" };

function xmlTerm(condition: Condition): string {
  const field = xmlField(condition);
  switch (condition.operator) {
    case "is null":
      return `<isNull>${field}</isNull>`;
    case "is not null":
      return `<not><isNull>${field}</isNull></not>`;
    case "is true":
      return `<isTrue>${field}</isTrue>`;
    case "like":
      return `<like pattern=${attribute(condition.value)}>${field}</like>`;
    case "matches":
      return `<matches pattern=${attribute(condition.value)}>${field}</matches>`;
    case "in":
      return `<in>${field}${members(condition.value)
        .map((one) => `<string v=${attribute(one)}/>`)
        .join("")}</in>`;
    default: {
      const element = xmlOperators[condition.operator]!;
      const value = condition.valueType === "string" ? condition.value : condition.value.trim().toLowerCase();
      const literal = condition.valueType === "dateTime" ? condition.value.trim() : value;
      return `<${element}>${field}<${condition.valueType} v=${attribute(literal)}/></${element}>`;
    }
  }
}
