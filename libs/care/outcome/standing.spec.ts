import { describe, expect, it } from '@jest/globals';
import { standingAfter, type EmploymentReport } from './standing.js';

const hired: EmploymentReport = { status: 'partTime', startDate: '2026-02-01', accommodation: 'Starts at 9:30.' };
const standing = (...reports: EmploymentReport[]) => standingAfter(reports);

describe('What stands of a person\'s employment', () => {
  it('is what was last reported', () => {
    expect(standing()).toBeNull();
    expect(standing(hired)).toEqual(hired);
    expect(standing({ status: 'lookingForWork' })).toEqual({ status: 'lookingForWork', startDate: null, accommodation: null });
  });

  it('keeps the accommodation until a report says another, or none', () => {
    expect(standing(hired, { status: 'fullTime' })).toMatchObject({ accommodation: 'Starts at 9:30.' });
    expect(standing(hired, { status: 'lookingForWork' }, { status: 'fullTime' }))
      .toMatchObject({ accommodation: 'Starts at 9:30.' });
    expect(standing(hired, { status: 'fullTime', accommodation: 'A quiet desk.' }))
      .toMatchObject({ accommodation: 'A quiet desk.' });
    expect(standing(hired, { status: 'fullTime', accommodation: null })).toMatchObject({ accommodation: null });
    expect(standing(hired, { status: 'fullTime', accommodation: null }, hired)).toEqual(hired);
  });

  it('keeps the start date as long as the job', () => {
    expect(standing(hired, { status: 'fullTime' })).toMatchObject({ startDate: '2026-02-01' });
    expect(standing(hired, { status: 'fullTime', startDate: '2026-06-01' })).toMatchObject({ startDate: '2026-06-01' });
    expect(standing(hired, { status: 'fullTime', startDate: null })).toMatchObject({ startDate: null });
    expect(standing(hired, { status: 'notLooking' })).toMatchObject({ startDate: null });
    expect(standing(hired, { status: 'notLooking' }, { status: 'seasonal' })).toMatchObject({ startDate: null });
  });
});
