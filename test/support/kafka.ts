import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../libs/platform/database/embedded-postgres.js';

const KAFKA_VERSION = '4.1.0';
const SLF4J_VERSION = '1.7.36';
const START_WITHIN_MS = 90_000;
const cache = join(process.cwd(), '.cache', 'kafka', KAFKA_VERSION);

export interface KafkaServer {
  brokers: string[];
  /** `kill -9`; resolves when the process is gone. Absent where `KAFKA_BROKERS` names a server that is not ours. */
  kill?(): Promise<void>;
  /** On the same port and data; resolves when it takes connections. */
  restart?(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Whether a real Kafka can be had: the one that `KAFKA_BROKERS` names, or one run with Java and fetched with Maven.
 * @throws Error where there is none and `CI=true`; elsewhere says loudly what is skipped
 */
export function kafkaAvailable(): boolean {
  if (process.env['KAFKA_BROKERS']) return true;
  if (runs('java', '-version') && (existsSync(classPathFolder) || runs('mvn', '--version'))) return true;
  const missing = 'Kafka needs Java 17 and, to be fetched, Maven; or KAFKA_BROKERS naming a server';
  if (process.env['CI'] === 'true') throw new Error(missing);
  process.stderr.write(`\n*** SKIPPED: all tests against Kafka. ${missing}.\n\n`);
  return false;
}

/** The brokers of `KAFKA_BROKERS`, else one of one's own, in KRaft mode on loopback. Use topics of your own. */
export async function startKafka(): Promise<KafkaServer> {
  const given = process.env['KAFKA_BROKERS'];
  if (given) return { brokers: given.split(','), close: async () => undefined };
  const folder = await mkdtemp(join(tmpdir(), 'peerbridge-kafka-'));
  const installation = await install(folder);
  let child = await installation.start();
  // A test run that ends without closing leaves no broker behind.
  const killChild = (): void => { child.kill('SIGKILL'); };
  process.once('exit', killChild);
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  return {
    brokers: [installation.broker],
    kill,
    restart: async () => {
      await kill();
      child = await installation.start();
    },
    close: async () => {
      process.off('exit', killChild);
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const classPathFolder = join(cache, 'lib');

const dependency = (group: string, artifact: string, version: string): string =>
  `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;

/** The broker's class path from Maven Central, fetched once. */
async function fetchClassPath(): Promise<string> {
  if (!existsSync(classPathFolder)) {
    await mkdir(cache, { recursive: true });
    const pom = join(cache, 'pom.xml');
    await writeFile(pom, `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>peerbridge</groupId>
  <artifactId>kafka-for-tests</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    ${dependency('org.apache.kafka', 'kafka_2.13', KAFKA_VERSION)}
    ${dependency('org.slf4j', 'slf4j-simple', SLF4J_VERSION)}
  </dependencies>
</project>
`);
    // Renamed when whole, so that an interrupted or simultaneous fetch leaves no half of it.
    const fetched = await mkdtemp(join(cache, 'lib-'));
    const maven = spawn('mvn', [
      '-q', '-B', '-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${fetched}`,
    ], { stdio: ['ignore', 'ignore', 'inherit'] });
    const [exitCode] = await once(maven, 'exit') as [number | null];
    if (exitCode !== 0) throw new Error(`Maven could not fetch Kafka (exit code ${exitCode})`);
    await rename(fetched, classPathFolder).catch(() => rm(fetched, { recursive: true }));
  }
  return join(classPathFolder, '*');
}

interface Installation {
  broker: string;
  start(): Promise<ChildProcess>;
}

async function install(folder: string): Promise<Installation> {
  const classPath = await fetchClassPath();
  const [port, controllerPort] = await Promise.all([freePort(), freePort()]);
  const properties = join(folder, 'server.properties');
  await writeFile(properties, Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.bootstrap.servers': `127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(folder, 'data'),
    'auto.create.topics.enable': false,
    'default.replication.factor': 1,
    'min.insync.replicas': 1,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    // A broker that comes back after a kill -9 waits until its former self has timed out.
    'broker.session.timeout.ms': 3_000,
    'broker.heartbeat.interval.ms': 300,
  }).map(([name, value]) => `${name}=${value}\n`).join(''));
  const java = (main: string, ...args: string[]): string[] => [
    '-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    '-cp', classPath, main, ...args,
  ];
  // A leading hyphen would read as an option.
  const clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'A');
  execFileSync('java', java('kafka.tools.StorageTool', 'format', '--standalone', '-t', clusterId, '-c', properties), {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return {
    broker: `127.0.0.1:${port}`,
    start: async () => {
      const output = openSync(join(folder, 'output.log'), 'a');
      const child = spawn('java', java('kafka.Kafka', properties), { stdio: ['ignore', output, output] });
      closeSync(output);
      for (const deadline = Date.now() + START_WITHIN_MS; !await takesConnections(port); await delay(100)) {
        if (child.exitCode !== null || Date.now() > deadline) {
          child.kill('SIGKILL');
          throw new Error(`Kafka did not start:\n${await readFile(join(folder, 'output.log'), 'utf8')}`);
        }
      }
      return child;
    },
  };
}

function runs(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function takesConnections(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
