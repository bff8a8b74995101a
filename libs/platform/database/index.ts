export { openDatabase, type Database, type DatabaseOptions, type SturdyPool } from './database.js';
export { openEmbeddedPostgres, type EmbeddedPostgres, type EmbeddedPostgresOptions } from './embedded-postgres.js';
export { EmbeddedPostgresError } from './postgres-binaries.js';
export { isDatabaseOutage, isPoolFull } from './outage.js';
export { Pipeline } from './pipeline.js';
export { migrate, MigrationError, type Migration } from './migrations.js';
