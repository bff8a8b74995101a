import type { DynamicModule } from '@nestjs/common';
import { GraphQLModule } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';

/** Mercurius remembers compiled operations by their text; see `Operations` for what is remembered at all. */
const COMPILED_OPERATIONS = 200;

/**
 * The schema, made from the resolvers of all modules, and its execution. Mercurius' own routes are off: `graphqlRoute`
 * and `serveSubscriptions` decide what reaches it and how errors look.
 */
export const graphqlModule = (): DynamicModule => GraphQLModule.forRootAsync<MercuriusDriverConfig>({
  driver: MercuriusDriver,
  useFactory: () => ({
    autoSchemaFile: true,
    sortSchema: true,
    routes: false,
    jit: 1,
    cache: COMPILED_OPERATIONS,
    errorFormatter: ({ data, errors }) => ({ statusCode: 200, response: { data, errors } }),
  }),
});
