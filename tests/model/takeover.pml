/*
 * Takeover: two assistants and a principal share one job store. Assistants are killed, assistants that live are
 * suspected and fenced, the principal itself is killed and started again; nobody tells anybody anything but
 * through the store and the locks that the kernel frees at death.
 *
 * One `atomic` is one write transaction. What stands between two of them may be interleaved with anything.
 *
 *   safe   no job's result is accepted twice, and none from an attempt that was fenced (the assert in succeed)
 *   live   every job is finished, whoever dies, once the principal's last life has begun
 *
 * Broken variants include this file: FENCE_EARLY reads the fence in one transaction and writes in the next,
 * NO_ADOPT closes incarnations but never moves their jobs. run.sh demands that they fail.
 */
#define JOBS 2
#define PRINCIPAL 0 /* as an owner the principal is one constant: its restart moves no rows */
#define NOBODY 255

mtype = {ready, running, done};

/* The store. */
mtype state[JOBS];
byte owner[JOBS];    /* PRINCIPAL, or the incarnation in whose queue the job stands */
byte holder[JOBS];   /* the incarnation whose attempt runs */
byte execId[JOBS];   /* the fencing token: a new one for every hand-out, never reused */
byte accepted[JOBS]; /* how many results were accepted */
bool open[7];        /* incarnations 1, 2: the assistants; 3, 4: their next lives; 5, 6: the principal's two lives */

/* The kernel. */
bool locked[7]; /* the presence lock of an incarnation: held for its life, freed by its death */

#define finished (state[0] == done && state[1] == done)

/* Take a ready job of `queue`, if the caller's incarnation is still open: one transaction. Sets job and mine. */
inline claim(queue) {
  atomic {
    job = NOBODY;
    if
    :: open[me] && state[0] == ready && owner[0] == queue -> job = 0
    :: open[me] && state[1] == ready && owner[1] == queue -> job = 1
    :: else
    fi;
    if
    :: job != NOBODY ->
      state[job] = running;
      holder[job] = me;
      execId[job]++;
      mine = execId[job]
    :: else
    fi
  }
}

#define fenceHolds (open[me] && state[job] == running && execId[job] == mine)

#ifdef FENCE_EARLY
/* The fault: the fence is looked at before the transaction that writes. */
inline succeed() {
  atomic { mayWrite = fenceHolds };
  atomic {
    if
    :: mayWrite -> accepted[job]++; state[job] = done
    :: else
    fi;
    mayWrite = false; job = NOBODY; mine = 0
  }
}
#else
inline succeed() {
  atomic {
    if
    :: fenceHolds ->
      assert(holder[job] == me && state[job] != done);
      accepted[job]++;
      state[job] = done
    :: else /* fenced: the result is dropped, somebody else has the job */
    fi;
    job = NOBODY; mine = 0
  }
}
#endif

/* One life of an assistant. It ends by a kill at any point, by being fenced, or when all work is done. */
proctype assistant(byte me) {
  byte job = NOBODY, mine = 0;
  bool mayWrite = false;
  do
  :: !open[me] -> break                                   /* fenced while alive: its attempts are worth nothing */
  :: open[me] && job == NOBODY && !finished -> claim(me)
  :: open[me] && job == NOBODY && finished -> break
  :: job != NOBODY -> succeed()
  :: !finished -> locked[me] = false; goto dead           /* SIGKILL: the kernel frees the lock, nothing else happens */
  od;
  if
  :: !open[me] && me <= 2 -> atomic { open[me + 2] = true; locked[me + 2] = true; run assistant(me + 2) }
  :: else
  fi;
dead:
  skip
}

/* Every later write of the incarnation reads this flag, so this one small transaction voids all its attempts. */
#define close(incarnation) open[incarnation] = false

/* The jobs of a closed incarnation become the principal's: slices of one job, so that others come in between. */
inline adopt(j) {
  atomic {
#ifndef NO_ADOPT
    if
    :: owner[j] != PRINCIPAL && !open[owner[j]] -> owner[j] = PRINCIPAL
    :: else
    fi;
    if
    :: state[j] == running && !open[holder[j]] -> state[j] = ready
    :: else
    fi
#else
    skip
#endif
  }
}

/* One life of the principal: 5, then 6. Its memory dies with it; the second life lives to the end. */
proctype principal(byte me) {
  byte job = NOBODY, mine = 0, i = 1;
  bool mayWrite = false, suspected = false;
  if
  :: me == 6 -> atomic { close(5) }                       /* what its former life was running is void */
  :: else
  fi;
  do
  :: finished -> break
  :: !finished ->
    for (i : 1 .. 4) {
      if
      :: open[i] && !locked[i] -> atomic { close(i) }                        /* the kernel freed its lock: dead */
      :: open[i] && locked[i] && !suspected -> suspected = true; atomic { close(i) } /* lease ran out: it may live */
      :: true
      fi
    };
    /* The last look is not a matter of choice: a dead incarnation is closed before the round ends. */
    for (i : 1 .. 4) {
      if
      :: open[i] && !locked[i] -> atomic { close(i) }
      :: else
      fi
    };
    adopt(0);
    adopt(1);
    claim(PRINCIPAL);
    if
    :: job != NOBODY && me == 5 -> atomic { locked[5] = false; locked[6] = true; open[6] = true; run principal(6) }; break
    :: job != NOBODY -> succeed()
    :: else
    fi
  :: me == 5 -> atomic { locked[5] = false; locked[6] = true; open[6] = true; run principal(6) }; break /* SIGKILL and restart */
  od
}

init {
  atomic {
    owner[0] = 1;
    owner[1] = 2;
    state[0] = ready;
    state[1] = ready;
    open[1] = true; locked[1] = true;
    open[2] = true; locked[2] = true;
    open[5] = true; locked[5] = true;
    run assistant(1);
    run assistant(2);
    run principal(5)
  }
}

ltl safe { [] (accepted[0] <= 1 && accepted[1] <= 1) }
ltl live { <> (finished && accepted[0] == 1 && accepted[1] == 1) }
