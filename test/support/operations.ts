import {
  getNamedType, getNullableType, isAbstractType, isCompositeType, isEnumType, isInputObjectType, isLeafType, isListType,
  isNonNullType,
  type GraphQLArgument, type GraphQLCompositeType, type GraphQLField, type GraphQLInputField, type GraphQLInputType,
  type GraphQLOutputType, type GraphQLSchema,
} from 'graphql';
import type { Random } from './random.js';

export interface GeneratedOperation {
  query: string;
  variables: Record<string, unknown>;
}

/** How values for the leaves of a schema are drawn, by the name of the argument or field where they stand. */
export type LeafValues = (name: string, type: string, random: Random) => unknown;

const DEEPEST = 8;
/** An argument or a field that a random operation had better not give at random: it would be refused each time. */
const PAGE = 'first';

/**
 * A random operation over a schema: fields with and without aliases, arguments as literals, as variables and as variables
 * inside literals, fragments named and inline, spread more than once, `@skip` and `@include` on all of them, variables with
 * defaults, with null, left out, and of a wrong type. Mostly valid; never a subscription.
 */
export function randomOperation(schema: GraphQLSchema, random: Random, leaf: LeafValues): GeneratedOperation {
  const chance = (of: number): boolean => random.next() < of;
  const declarations: string[] = [];
  const variables: Record<string, unknown> = {};
  const fragments: { name: string; on: GraphQLCompositeType; text: string }[] = [];
  let aliases = 0;

  /** A plain JSON value of a type. */
  const valueOf = (type: GraphQLInputType, name: string, depth = 0): unknown => {
    if (isNonNullType(type)) return valueOf(type.ofType, name, depth);
    if (isListType(type)) {
      if (chance(0.2)) return valueOf(type.ofType, name, depth);
      return Array.from({ length: random.between(0, 3) }, () => valueOf(type.ofType, name, depth));
    }
    if (isInputObjectType(type)) {
      const given = Object.values(type.getFields()).filter((field) => isNonNullType(field.type) || chance(depth > 1 ? 0.3 : 0.6));
      return Object.fromEntries(given.map((field) => [
        field.name, !isNonNullType(field.type) && chance(0.05) ? null : valueOf(field.type, field.name, depth + 1),
      ]));
    }
    if (isEnumType(type)) return random.pick(type.getValues()).name;
    return leaf(name, type.name, random);
  };

  const wrong = (): unknown => random.pick<unknown>([{}, [{}], true, 1.5, 'no such word', '', [[1]], { constructor: 1 }]);

  const variable = (type: GraphQLInputType, name: string): string => {
    const id = `v${declarations.length}`;
    const nullable = getNullableType(type);
    const required = isNonNullType(type) && chance(0.8);
    const fallback = chance(0.3) ? ` = ${literal(nullable, name, false)}` : '';
    const bang = required || (isNonNullType(type) && !fallback) ? '!' : '';
    declarations.push(`$${id}: ${String(nullable)}${bang}${fallback}`);
    if (chance(0.03)) variables[id] = wrong();
    else if (!required && chance(0.15)) variables[id] = null;
    else if (!(fallback && chance(0.5)) && !(!required && chance(0.15))) variables[id] = valueOf(nullable, name);
    return `$${id}`;
  };

  /** A value as it stands in a document, maybe with variables in it. */
  const literal = (type: GraphQLInputType, name: string, withVariables: boolean): string => {
    if (withVariables && chance(0.25)) return variable(type, name);
    if (!isNonNullType(type) && chance(0.04)) return 'null';
    const inner = getNullableType(type);
    if (isListType(inner)) {
      return `[${Array.from({ length: random.between(0, 3) }, () => literal(inner.ofType, name, withVariables)).join(', ')}]`;
    }
    if (isInputObjectType(inner)) {
      const given = Object.values(inner.getFields()).filter((field) => isNonNullType(field.type) || chance(0.5));
      return `{ ${given.map((field) => `${field.name}: ${literal(field.type, field.name, withVariables)}`).join(', ')} }`;
    }
    const value = valueOf(inner, name);
    return isEnumType(inner) ? String(value) : JSON.stringify(value);
  };

  const argument = (declared: GraphQLArgument | GraphQLInputField): string =>
    `${declared.name}: ${chance(0.4) ? variable(declared.type, declared.name) : literal(declared.type, declared.name, true)}`;

  const directives = (): string => ['skip', 'include'].filter(() => chance(0.1)).map((name) => {
    const condition = chance(0.6) ? flag() : String(chance(0.5));
    return ` @${name}(if: ${condition})`;
  }).join('');

  const flags: string[] = [];
  const flag = (): string => {
    if (flags.length > 0 && chance(0.5)) return random.pick(flags);
    const id = `v${declarations.length}`;
    const fallback = chance(0.3) ? ` = ${String(chance(0.5))}` : '';
    declarations.push(`$${id}: Boolean!${fallback}`);
    if (!fallback || chance(0.5)) variables[id] = chance(0.5);
    flags.push(`$${id}`);
    return `$${id}`;
  };

  const field = (declared: GraphQLField<unknown, unknown>, depth: number): string => {
    const given = declared.args.filter((one) => one.name === PAGE || isNonNullType(one.type) || chance(0.4));
    // Where arguments may differ, an alias of its own keeps two of the same field apart.
    const alias = (given.length > 0 && chance(0.9) || chance(0.1)) && aliases < 30 ? `a${aliases += 1}: ` : '';
    const args = given.length > 0 ? `(${given.map(argument).join(', ')})` : '';
    return `${alias}${declared.name}${args}${directives()}${below(declared.type, depth)}`;
  };

  const below = (type: GraphQLOutputType, depth: number): string => {
    const named = getNamedType(type);
    return isCompositeType(named) ? ` { ${selections(named, depth + 1)} }` : '';
  };

  /** What may be spread where something of this type is. */
  const overlapping = (type: GraphQLCompositeType): GraphQLCompositeType[] =>
    (isAbstractType(type) ? [type, ...schema.getPossibleTypes(type)] : [type, ...type.getInterfaces()]);

  const selections = (type: GraphQLCompositeType, depth: number): string => {
    const fields = 'getFields' in type ? Object.values(type.getFields()) : [];
    const leaves = fields.filter((one) => isLeafType(getNamedType(one.type)));
    const branches = fields.filter((one) => !isLeafType(getNamedType(one.type)));
    const chosen: string[] = [];
    const count = random.between(1, depth > 4 ? 3 : 5);
    for (let index = 0; index < count; index += 1) {
      const kind = random.next();
      if (kind < 0.08) chosen.push(`${chance(0.3) ? `a${aliases += 1}: ` : ''}__typename${directives()}`);
      else if (kind < 0.2 && depth < DEEPEST) chosen.push(inline(type, depth));
      else if (kind < 0.35 && depth < DEEPEST) chosen.push(spread(type, depth));
      else if (kind < 0.65 && branches.length > 0 && depth < DEEPEST - 2) chosen.push(field(random.pick(branches), depth));
      else if (leaves.length > 0) chosen.push(field(random.pick(leaves), depth));
    }
    return chosen.length > 0 ? chosen.join(' ') : '__typename';
  };

  const inline = (type: GraphQLCompositeType, depth: number): string => {
    const on = random.pick(overlapping(type));
    const condition = on === type && chance(0.4) ? '' : ` on ${on.name}`;
    return `...${condition}${directives()} { ${selections(condition ? on : type, depth + 1)} }`;
  };

  const spread = (type: GraphQLCompositeType, depth: number): string => {
    const fitting = overlapping(type);
    const known = fragments.filter(({ on }) => fitting.includes(on));
    let name = known.length > 0 && chance(0.5) ? random.pick(known).name : undefined;
    if (name === undefined) {
      const on = random.pick(fitting);
      const text = selections(on, depth + 2);
      name = `F${fragments.length}`;
      fragments.push({ name, on, text });
    }
    // The same fragment under several conditions is what a compiler most easily gets wrong.
    return Array.from({ length: chance(0.3) ? 2 : 1 }, () => `...${name}${directives()}`).join(' ');
  };

  const kind = chance(0.7) ? 'query' : 'mutation';
  const root = kind === 'query' ? schema.getQueryType()! : schema.getMutationType()!;
  const body = kind === 'query' ? selections(root, 1)
    : Array.from({ length: random.between(1, 3) }, () => field(random.pick(Object.values(root.getFields())), 1)).join(' ');
  const declared = declarations.length > 0 ? `(${declarations.join(', ')})` : '';
  const query = [
    `${kind} Q${declared} { ${body} }`, ...fragments.map(({ name, on, text }) => `fragment ${name} on ${on.name} { ${text} }`),
  ].join('\n');
  return { query, variables };
}
