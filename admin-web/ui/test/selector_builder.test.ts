import assert from "node:assert/strict";
import { test } from "node:test";
import { problemOf, toSql, toXml, type Condition } from "../src/lib/selector_builder";

const condition = (changes: Partial<Condition>): Condition => ({
  source: "property",
  name: "currency",
  operator: "=",
  valueType: "string",
  value: "EUR",
  ...changes,
});
const sql = (changes: Partial<Condition>) => toSql({ join: "and", conditions: [condition(changes)] });

test("quotes in values and names are doubled, so that nothing leaves its literal", () => {
  assert.equal(sql({ value: "it's' OR 1 = 1" }), "currency = 'it''s'' OR 1 = 1'");
  assert.equal(sql({ name: "x-o'pt" }), "PROPERTY('x-o''pt') = 'EUR'");
  assert.equal(sql({ name: "Between" }), "PROPERTY('Between') = 'EUR'");
});

test("values are written as literals of their type", () => {
  assert.equal(sql({ name: "amount", valueType: "decimal", value: "10000.00", operator: ">=" }), "amount >= DECIMAL '10000.00'");
  assert.equal(sql({ name: "n", valueType: "double", value: "7" }), "n = 7.0");
  assert.equal(sql({ name: "n", valueType: "long", value: " -5 " }), "n = -5");
  assert.equal(sql({ name: "urgent", valueType: "boolean", value: "true" }), "urgent = TRUE");
  assert.equal(sql({ source: "header", name: "priority", valueType: "long", value: "4", operator: ">" }), "JMSPriority > 4");
});

test("parts of a body are read as the type they are compared with", () => {
  assert.equal(sql({ source: "xpath", name: ".//Amt", valueType: "decimal", value: "1.00" }), "DECIMAL(XPATH('.//Amt')) = DECIMAL '1.00'");
  assert.equal(sql({ source: "pointer", name: "/a", operator: "like", value: "x%" }), "JSON('/a') LIKE 'x%'");
});

test("conditions are joined, and the XML says the same", () => {
  const form = {
    join: "or" as const,
    conditions: [condition({ operator: "in", value: "EUR, CHF" }), condition({ operator: "is not null", name: "a&b" })],
  };
  assert.equal(toSql(form), "currency IN ('EUR', 'CHF') OR PROPERTY('a&b') IS NOT NULL");
  assert.equal(
    toXml(form),
    '<selector xmlns="urn:giromq:selector:1">\n  <or>\n    <in><property name="currency"/><string v="EUR"/><string v="CHF"/></in>\n' +
      '    <not><isNull><property name="a&amp;b"/></isNull></not>\n  </or>\n</selector>',
  );
});

test("XML escapes what would end an attribute", () => {
  const text = toXml({ join: "and", conditions: [condition({ value: '"/><or>&' })] });
  assert.ok(text.includes('<string v="&quot;/>&lt;or>&amp;"/>'), text);
});

test("a value that does not fit its type is told before it is sent", () => {
  assert.equal(problemOf(condition({ valueType: "long", value: "1.5" })), "A long is a whole number.");
  assert.equal(problemOf(condition({ name: " " })), "Say which field.");
  assert.equal(problemOf(condition({ valueType: "dateTime", value: "2026-12-31T23:59:59Z" })), null);
  assert.equal(problemOf(condition({ operator: "is null", value: "" })), null);
});
