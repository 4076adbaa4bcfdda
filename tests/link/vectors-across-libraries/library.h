// What main and the library share. Types of clang's, that are passed as v128.
typedef float floats __attribute__((vector_size(16)));
typedef int ints __attribute__((vector_size(16)));
typedef unsigned char bytes __attribute__((vector_size(16)));
typedef double doubles __attribute__((vector_size(16)));

typedef floats step(floats value, double weight, ints lanes);

// A vector between numbers of all kinds, and more of them than there are registers.
ints mix(ints a, int b, doubles c, long long d, floats e, ints f, bytes g, int h, ints i, ints j, ints k, double l);
floats repeat(step* each, floats value, int times);
step* get_step(int which);
bytes reversed(bytes value);
float dot(const float* a, const float* b, int count);
void saturate(unsigned char* to, const short* from, int count);
int sum(const int* values, int count);
