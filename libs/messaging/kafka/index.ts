export * from './kafka-publisher.js';
