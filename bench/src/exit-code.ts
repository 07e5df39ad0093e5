/** How the process of one benchmark ends that ran and missed something that must be reached. */
export const missedGoal = 2
