// N-body: the sun and four planets under their gravity, in double precision. Floating point and loads, few branches.
#include <math.h>
#include <string.h>

#include "measure.h"

enum { bodies = 5, steps = 1000000 };

static const double pi = 3.141592653589793;
static const double days_per_year = 365.24;

typedef struct {
  double position[3];
  double velocity[3];
  double mass;
} Body;

// Astronomical units, and units per day; masses in those of the sun. What initialise() scales, to years.
static const Body at_first[bodies] = {
    {{0, 0, 0}, {0, 0, 0}, 1},
    {{4.84143144246472090e+00, -1.16032004402742839e+00, -1.03622044471123109e-01},
     {1.66007664274403694e-03, 7.69901118419740425e-03, -6.90460016972063023e-05},
     9.54791938424326609e-04},
    {{8.34336671824457987e+00, 4.12479856412430479e+00, -4.03523417114321381e-01},
     {-2.76742510726411770e-03, 4.99852801234917238e-03, 2.30417297573763929e-05},
     2.85885980666130812e-04},
    {{1.28943695621391310e+01, -1.51111514016986312e+01, -2.23307578892655734e-01},
     {2.96460137564761618e-03, 2.37847173959480950e-03, -2.96589568540237556e-05},
     4.36624404335156298e-05},
    {{1.53796971148509165e+01, -2.59193146099879641e+01, 1.79258772950371181e-01},
     {2.68067772490389322e-03, 1.62824170038242295e-03, -9.51592254519715870e-05},
     5.15138902046611451e-05},
};

static Body system_of[bodies];

static void initialise(void) {
  memcpy(system_of, at_first, sizeof system_of);
  double momentum[3] = {0};
  for (int i = 0; i < bodies; i++) {
    system_of[i].mass *= 4 * pi * pi;
    for (int axis = 0; axis < 3; axis++) {
      system_of[i].velocity[axis] *= days_per_year;
      momentum[axis] += system_of[i].velocity[axis] * system_of[i].mass;
    }
  }
  for (int axis = 0; axis < 3; axis++) {
    system_of[0].velocity[axis] = -momentum[axis] / system_of[0].mass;
  }
}

static void advance(double time_step) {
  for (int i = 0; i < bodies; i++) {
    Body* one = &system_of[i];
    for (int j = i + 1; j < bodies; j++) {
      Body* other = &system_of[j];
      double x = one->position[0] - other->position[0];
      double y = one->position[1] - other->position[1];
      double z = one->position[2] - other->position[2];
      double square = x * x + y * y + z * z;
      double magnitude = time_step / (square * sqrt(square));
      one->velocity[0] -= x * other->mass * magnitude;
      one->velocity[1] -= y * other->mass * magnitude;
      one->velocity[2] -= z * other->mass * magnitude;
      other->velocity[0] += x * one->mass * magnitude;
      other->velocity[1] += y * one->mass * magnitude;
      other->velocity[2] += z * one->mass * magnitude;
    }
  }
  for (int i = 0; i < bodies; i++) {
    for (int axis = 0; axis < 3; axis++) {
      system_of[i].position[axis] += time_step * system_of[i].velocity[axis];
    }
  }
}

static double energy(void) {
  double sum = 0;
  for (int i = 0; i < bodies; i++) {
    const Body* one = &system_of[i];
    for (int axis = 0; axis < 3; axis++) {
      sum += one->mass * one->velocity[axis] * one->velocity[axis] / 2;
    }
    for (int j = i + 1; j < bodies; j++) {
      double square = 0;
      for (int axis = 0; axis < 3; axis++) {
        double distance = one->position[axis] - system_of[j].position[axis];
        square += distance * distance;
      }
      sum -= one->mass * system_of[j].mass / sqrt(square);
    }
  }
  return sum;
}

static long long one_round(void) {
  initialise();
  start_clock();
  for (int i = 0; i < steps; i++) {
    advance(0.01);
  }
  stop_clock();
  return digits(energy(), 1e-8);
}
