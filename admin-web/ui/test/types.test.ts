import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import ts from "typescript";
import { description, propertiesOf, requiredOf, resolve, violations, wordsOf } from "./openapi";

const file = join(process.env.CONSOLE_ROOT!, "src/api/types.ts");
const program = ts.createProgram([file], { strict: true, target: ts.ScriptTarget.ES2022, types: [] });
const checker = program.getTypeChecker();
const source = program.getSourceFile(file)!;
const schemas = description.components.schemas;

/** What types.ts declares without parameters, by name. */
const declared = new Map<string, ts.Type>();
ts.forEachChild(source, (node) => {
  if ((ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) && !node.typeParameters)
    declared.set(node.name.text, checker.getTypeAtLocation(node.name));
});

/** The words of a type that is a few strings, null aside; null if it is anything else. */
function words(type: ts.Type): string[] | null {
  const nothing = ts.TypeFlags.Null | ts.TypeFlags.Undefined;
  const parts = (type.isUnion() ? type.types : [type]).filter((part) => !(part.flags & nothing));
  const literals = parts.filter((part) => part.isStringLiteral());
  return parts.length > 0 && literals.length === parts.length ? literals.map((part) => part.value) : null;
}

/** Types of what the console sends: it fills in what it likes. */
const requestOnly = new Set(["NewMessage", "ChangeMessages", "MoveMessages"]);

const objects = [...declared].filter(
  ([name, type]) => schemas[name] && !type.isUnion() && Object.keys(propertiesOf(schemas[name])).length > 0,
);

test("most of what the console knows has a name in the description of the API", () => {
  assert.ok(objects.length > 25, `only ${objects.length} types have been compared`);
});

for (const [name, type] of objects) {
  test(`${name} is what the description of the API says`, () => {
    const described = propertiesOf(schemas[name]!);
    const members = type.getProperties();
    assert.deepEqual(members.map((member) => member.name).sort(), Object.keys(described).sort());
    const required = requiredOf(schemas[name]!);
    for (const member of members) {
      const isOptional = Boolean(member.flags & ts.SymbolFlags.Optional);
      assert.ok(isOptional || required.has(member.name) || requestOnly.has(name), `${name}.${member.name} need not be there`);
      const expected = wordsOf(described[member.name]!);
      const known = words(checker.getTypeOfSymbolAtLocation(member, source));
      if (expected && known) assert.deepEqual(known.sort(), expected.sort(), `${name}.${member.name}`);
    }
  });
}

test("the words of a named type are those of the description", () => {
  let compared = 0;
  for (const [name, type] of declared) {
    const expected = schemas[name] && wordsOf(resolve(schemas[name]));
    if (!expected) continue;
    assert.deepEqual(words(type)?.sort(), expected.sort(), name);
    compared++;
  }
  assert.ok(compared > 0);
});

test("the validator of these tests finds what is wrong", () => {
  const schema = {
    type: "object",
    required: ["a"],
    additionalProperties: false,
    properties: { a: { type: ["integer", "null"] }, b: { enum: ["x"] } },
  };
  assert.deepEqual(violations({ a: null, b: "x" }, schema), []);
  assert.deepEqual(violations({ b: "y", c: 1 }, schema), ["$.a is missing", '$.b is "y", none of x', "$.c is not described"]);
  assert.deepEqual(violations({ a: 1.5 }, schema), ["$.a is number, not integer or null"]);
});
