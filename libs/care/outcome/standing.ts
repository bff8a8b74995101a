import type { employmentStatuses } from './events.js';

/** What one report says. Absent: it does not speak of it; null: there is none. */
export interface EmploymentReport {
  status: (typeof employmentStatuses)[number];
  startDate?: string | null;
  accommodation?: string | null;
}

export interface Employment {
  status: string;
  startDate: string | null;
  accommodation: string | null;
}

const atWork: readonly string[] = ['fullTime', 'partTime', 'seasonal'];

/**
 * What stands after reports in the order in which they occurred. The accommodation is the last that a report spoke of: who
 * reports other hours takes back no wording. The start date stands while the job does: from one report at work to the next,
 * unless that names its own; without work there is none.
 */
export function standingAfter(reports: readonly EmploymentReport[]): Employment | null {
  return reports.reduce<Employment | null>((before, report) => {
    const sameJob = before !== null && atWork.includes(before.status) && atWork.includes(report.status);
    const { status, startDate = sameJob ? before.startDate : null, accommodation = before?.accommodation ?? null } = report;
    return { status, startDate, accommodation };
  }, null);
}
