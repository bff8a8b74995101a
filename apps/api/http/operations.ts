import { DomainError } from '@peerbridge/kernel';
import {
  coerceInputValue, getOperationAST, getVariableValues, GraphQLError, isInputType, isNonNullType, Kind, Lexer,
  NoSchemaIntrospectionCustomRule, parse, print, separateOperations, Source, specifiedRules, TokenKind, typeFromAST,
  TypeInfo, validate, ValuesOfCorrectTypeRule, visit, visitWithTypeInfo, type DocumentNode, type FragmentDefinitionNode,
  type GraphQLSchema, type NamedTypeNode, type OperationDefinitionNode, type SelectionSetNode, type ValidationContext,
  type ValidationRule,
} from 'graphql';
import { z } from 'zod';
import { isCompilable } from './compilable.js';
import { limits, sizeOf, withinLimits } from './limits.js';

/** The body of a request, and the payload of a `subscribe` message. */
const graphqlRequest = z.object({
  query: z.string().min(1),
  operationName: z.string().nullish(),
  variables: z.record(z.string(), z.unknown()).nullish(),
});

/** An operation that has passed every check: what is left is to execute it. */
export interface Operation {
  /** The text of this one operation and its fragments. */
  source: string;
  document: DocumentNode;
  definition: OperationDefinitionNode;
  /** Whether it is compiled and remembered as such: what the compiler does not do right is not, nor what is long. */
  isCompiled: boolean;
  variables: Record<string, unknown>;
}

interface Checked extends Omit<Operation, 'variables'> {
  /** Whether its cost depends on the variables so much that it must be looked at each time. */
  costVaries: boolean;
}

const REMEMBERED_OPERATIONS = 500;
/** Longer ones are checked each time: remembering them would cost more memory than it saves time. */
export const REMEMBERED_LENGTH = 8 * 1024;

/** Checks what callers ask against the schema and the limits, before anything is executed. */
export class Operations {
  private readonly checked = new Map<string, Checked>();

  private readonly rules: readonly ValidationRule[];

  /** @param options.introspection whether callers may learn the schema by asking */
  constructor(private readonly schema: GraphQLSchema, private readonly options: { introspection: boolean }) {
    this.rules = options.introspection ? rules : [...rules, NoSchemaIntrospectionCustomRule];
  }

  /** @throws DomainError BAD_REQUEST, then LIMIT_EXCEEDED */
  prepare(request: unknown): Operation {
    const parsed = graphqlRequest.safeParse(request);
    if (!parsed.success) throw badRequest('One JSON object with a query is expected; variables are an object.');
    const { query, operationName, variables: given } = parsed.data;
    const { costVaries, ...operation } = this.checkedOperation(query, operationName ?? undefined);

    const variables = given ?? {};
    const { definition, document } = operation;
    const { errors, coerced } = getVariableValues(this.schema, definition.variableDefinitions ?? [], variables);
    if (errors) throw badRequest(`Variables do not fit their types: ${faultsIn(this.schema, definition, variables).join(', ')}.`);
    const missing = nullsWhereNoneMayBe(this.schema, operation.document, coerced);
    if (missing.length > 0) throw badRequest(`Variables do not fit their types: ${missing.join(', ')}.`);
    if (costVaries) withinLimits(sizeOf(this.schema, document, definition, coerced));
    // With their defaults: graphql-jit misses one that is left out. To be coerced once more changes nothing.
    return { ...operation, variables: coerced };
  }

  private checkedOperation(query: string, name: string | undefined): Checked {
    const key = `${name ?? ''}\n${query}`;
    const known = this.checked.get(key);
    if (known) return known;
    const checked = this.check(query, name);
    if (query.length <= REMEMBERED_LENGTH) {
      const [oldest] = this.checked.keys();
      if (oldest !== undefined && this.checked.size >= REMEMBERED_OPERATIONS) this.checked.delete(oldest);
      this.checked.set(key, checked);
    }
    return checked;
  }

  private check(query: string, name: string | undefined): Checked {
    const document = parsed(query);
    const fragments = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
    if (fragments.length > limits.fragments) throw tooMuch(`has more than ${limits.fragments} fragments`);
    const operations = document.definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
    const sizes = operations.map((operation) => sizeOf(this.schema, document, operation));
    // What is too big even to be validated is refused first: an exception to the order of the checks.
    if (sizes.reduce((sum, size) => sum + size.selections, 0) > limits.selections) throw tooLong();

    const errors = validate(this.schema, document, this.rules, { maxErrors: 10 });
    if (errors.length > 0 && errors.every(isAborted)) throw tooLong();
    if (errors.length > 0) throw badRequest(...errors.map((error) => this.speakable(error.message) + at(error)));
    const definition = getOperationAST(document, name);
    if (!definition) throw badRequest('The operation to execute is not clear: name one of the document.');
    if (definition.operation === 'subscription' && isConditional(document, definition.selectionSet)) {
      throw badRequest('What a subscription brings is neither skipped nor included.');
    }

    const size = sizeOf(this.schema, document, definition);
    const costVaries = size.cost > limits.cost;
    withinLimits(costVaries ? { ...size, cost: 0 } : size);
    const alone = operations.length === 1 ? document : separateOperations(document)[name ?? ''] ?? document;
    const source = alone === document ? query : print(alone);
    const isCompiled = source.length <= REMEMBERED_LENGTH && isCompilable(alone);
    return { source, document: alone, definition, isCompiled, costVaries };
  }

  /** Suggestions say what else the schema has. */
  private speakable(message: string): string {
    return this.options.introspection ? message : message.replace(/ Did you mean .*$/s, '');
  }
}

function parsed(query: string): DocumentNode {
  try {
    if (nestingOf(query) > limits.nesting) throw tooMuch(`is nested deeper than ${limits.nesting}`);
    return parse(query, { maxTokens: limits.tokens });
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    if (error.message.includes('tokens. Parsing aborted')) throw tooLong();
    throw badRequest(`This is not GraphQL${at(error)}.`);
  }
}

const badRequest = (...messages: string[]): DomainError => new DomainError('BAD_REQUEST', messages.join(' '));
const tooMuch = (what: string): DomainError => new DomainError('LIMIT_EXCEEDED', `The document ${what}.`);
const tooLong = (): DomainError => tooMuch('is too long');

/** How many brackets are open at once. Token by token, for parsing calls itself. @throws GraphQLError */
function nestingOf(query: string): number {
  const lexer = new Lexer(new Source(query));
  let open = 0;
  let deepest = 0;
  for (let { kind } = lexer.advance(); kind !== TokenKind.EOF; { kind } = lexer.advance()) {
    if (opening.has(kind)) deepest = Math.max(deepest, open += 1);
    else if (closing.has(kind)) open -= 1;
  }
  return deepest;
}

const opening: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const closing: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

/** Whether anything at the root depends on a condition: where it is left out, graphql-js has nothing to subscribe to. */
function isConditional(document: DocumentNode, { selections }: SelectionSetNode): boolean {
  return selections.some((selection) => {
    if (selection.directives && selection.directives.length > 0) return true;
    if (selection.kind === Kind.INLINE_FRAGMENT) return isConditional(document, selection.selectionSet);
    if (selection.kind === Kind.FIELD) return false;
    const spread = document.definitions.find((definition): definition is FragmentDefinitionNode =>
      definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === selection.name.value);
    return spread !== undefined && isConditional(document, spread.selectionSet);
  });
}

/** GraphQL's own bound on comparing fields with one another. */
const isAborted = ({ message }: GraphQLError): boolean => message === 'Validation aborted.';

const at = ({ locations }: GraphQLError): string =>
  locations?.[0] ? ` (line ${locations[0].line}, column ${locations[0].column})` : '';

/** The rule that a literal must fit its type, without quoting it: what callers write in a literal may be protected text. */
const valuesUnquoted: ValidationRule = (context) => {
  const reportError = ({ nodes }: GraphQLError) =>
    context.reportError(new GraphQLError('A value does not fit its type.', { nodes }));
  return ValuesOfCorrectTypeRule(Object.create(context, { reportError: { value: reportError } }) as ValidationContext);
};

const rules = specifiedRules.map((rule) => (rule === ValuesOfCorrectTypeRule ? valuesUnquoted : rule));

/** Where variables do not fit their types, as paths: values stay unquoted here too. */
function faultsIn(schema: GraphQLSchema, definition: OperationDefinitionNode, variables: Record<string, unknown>): string[] {
  return (definition.variableDefinitions ?? []).flatMap(({ variable, type: typeNode, defaultValue }) => {
    const name = variable.name.value;
    const type = typeFromAST(schema, typeNode as NamedTypeNode);
    if (variables[name] === undefined && (defaultValue || !isNonNullType(type))) return [];
    const faults: string[] = [];
    if (isInputType(type)) coerceInputValue(variables[name], type, (path) => faults.push([`$${name}`, ...path].join('.')));
    return faults;
  });
}

/**
 * A variable with a default may stand where null may not be, and null may yet be given for it: of all that is wrong with
 * variables, graphql-js tells this only while it executes.
 */
function nullsWhereNoneMayBe(schema: GraphQLSchema, document: DocumentNode, variables: Record<string, unknown>): string[] {
  const nulls = new Set(Object.keys(variables).filter((name) => variables[name] === null));
  const faults = new Set<string>();
  if (nulls.size === 0) return [];
  const types = new TypeInfo(schema);
  visit(document, visitWithTypeInfo(types, {
    Variable: ({ name: { value: name } }) => {
      if (nulls.has(name) && isNonNullType(types.getInputType())) faults.add(`$${name}`);
    },
  }));
  return [...faults];
}
