import { render, screen } from '@testing-library/preact';
import { describe, expect, it } from 'vitest';
import { BudgetBar, segments } from './BudgetBar';

const balance = (spent_usd: string, reserved_usd: string, limit_usd: string | null) => ({
  spent_usd,
  reserved_usd,
  limit_usd,
});

describe('the bar', () => {
  it('shows what is settled and what is reserved as two parts', () => {
    expect(segments(balance('2', '1', '10'))).toEqual({ spent: 20, reserved: 10 });
  });

  it('never leaves its frame, even after an overrun', () => {
    expect(segments(balance('12', '3', '10'))).toEqual({ spent: 100, reserved: 0 });
    expect(segments(balance('9', '5', '10'))).toEqual({ spent: 90, reserved: 10 });
  });

  it('lets the smallest amount be seen, and nothing be nothing', () => {
    const small = segments(balance('0.000001', '0', '1000'));
    expect(small.spent).toBeGreaterThan(0);
    expect(small.reserved).toBe(0);
  });

  it('tells those who cannot see it', () => {
    render(<BudgetBar balance={balance('2.5', '0.25', '10')} label="Budget of ci" />);
    const meter = screen.getByRole('meter', { name: 'Budget of ci' });
    expect(meter.getAttribute('aria-valuenow')).toBe('25');
    expect(meter.getAttribute('aria-valuetext')).toBe('$2.50 of $10.00 spent, $0.25 reserved');
  });

  it('shows a budget without a limit without a bar', () => {
    render(<BudgetBar balance={balance('2.5', '0', null)} label="Budget" />);
    expect(screen.queryByRole('meter')).toBeNull();
    expect(screen.getByText(/no limit/)).toBeTruthy();
  });

  it('says what is left, and not less than nothing', () => {
    render(<BudgetBar balance={balance('12', '1', '10')} label="Budget" detailed />);
    expect(screen.getByText('$0.00')).toBeTruthy();
  });
});
