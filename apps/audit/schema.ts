import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { Metrics } from '@peerbridge/platform';
import {
  execute, getNamedType, isInterfaceType, isLeafType, isObjectType, parse, type GraphQLInterfaceType, type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import { CareModule } from '../api/care.module.js';
import { graphqlModule } from '../api/http/graphql-module.js';
import type { Answering } from '../system.js';

class AuditSchema {}

/** The schema that the API serves, with its resolvers: an application that listens to nobody. */
export async function openSchema(
  answering: Answering, metrics: Metrics,
): Promise<{ schema: GraphQLSchema; close(): Promise<void> }> {
  const root: DynamicModule = { module: AuditSchema, imports: [graphqlModule(), CareModule.of(answering, metrics)] };
  const app = await NestFactory.create(root, new FastifyAdapter(), { logger: false, abortOnError: false });
  await app.init();
  return { schema: app.get(GraphQLSchemaHost, { strict: false }).schema, close: () => app.close() };
}

/** @throws Error where any field fails: an answer with a hole in it is none */
export async function ask<Data>(
  schema: GraphQLSchema, query: string, variableValues: Record<string, unknown>, contextValue: object,
): Promise<Data> {
  const { data, errors } = await execute({ schema, document: parse(query), variableValues, contextValue });
  if (errors?.[0]) throw errors[0].originalError ?? errors[0];
  return data as Data;
}

/**
 * All there is to ask of a type, as a selection: what a capability adds to the schema is asked for without a word here.
 * Left out are fields that take arguments, which are lists to be paged through, and the way back to the participant.
 */
export function everyField(schema: GraphQLSchema, type: GraphQLObjectType | GraphQLInterfaceType): string {
  return Object.values(type.getFields()).flatMap((field) => {
    const of = getNamedType(field.type);
    if (field.args.length > 0 || of.name === 'Participant') return [];
    if (isLeafType(of)) return field.name;
    if (isObjectType(of)) return `${field.name} { ${everyField(schema, of)} }`;
    if (!isInterfaceType(of)) throw new Error(`The schema's ${type.name}.${field.name} is of no kind that is known here`);
    const kinds = schema.getPossibleTypes(of).map((one) => `... on ${one.name} { ${everyField(schema, one)} }`);
    return `${field.name} { __typename ${kinds.join(' ')} }`;
  }).join(' ');
}

/** The names of a type's connections, each with the type of its nodes. */
export function connectionsOf(type: GraphQLObjectType): { name: string; node: GraphQLObjectType | GraphQLInterfaceType }[] {
  return Object.values(type.getFields()).filter(({ args }) => args.some(({ name }) => name === 'first')).map((field) => {
    const edges = fieldType(getNamedType(field.type), 'edges');
    return { name: field.name, node: fieldType(edges, 'node') };
  });
}

function fieldType(type: unknown, name: string): GraphQLObjectType | GraphQLInterfaceType {
  const field = isObjectType(type) ? type.getFields()[name] : undefined;
  const of = field && getNamedType(field.type);
  if (!isObjectType(of) && !isInterfaceType(of)) throw new Error(`The schema has no ${String(type)}.${name}`);
  return of;
}
